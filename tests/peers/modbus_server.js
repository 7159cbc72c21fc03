// A Modbus server on npm's modbus-serial: a judge of our driver that is not of our making.
//
//   node modbus_server.js tcp PORT     any unit answers
//   node modbus_server.js rtu TTY      unit 1 answers, 9600 8N1
//
// 1000 of each table: holding n holds 7 n + unit, input n holds n, every third coil and every second
// discrete input is on.  Prints "ready" when it listens.
"use strict";
const modbus = require("modbus-serial");

const SIZE = 1000;
const written = new Map();

function inside(address) {
  if (address >= SIZE) {
    const error = new Error("illegal data address");
    error.modbusErrorCode = 2;
    throw error;
  }
}

const vector = {
  getInputRegister: (address) => { inside(address); return address; },
  getHoldingRegister: (address, unit) => {
    inside(address);
    const key = `${unit}/${address}`;
    return written.has(key) ? written.get(key) : 7 * address + unit;
  },
  getCoil: (address, unit) => {
    inside(address);
    const key = `${unit}/coil/${address}`;
    return written.has(key) ? written.get(key) : address % 3 === 0;
  },
  getDiscreteInput: (address) => { inside(address); return address % 2 === 0; },
  setRegister: (address, value, unit) => { inside(address); written.set(`${unit}/${address}`, value); },
  setCoil: (address, value, unit) => { inside(address); written.set(`${unit}/coil/${address}`, value); },
};

const [kind, place] = process.argv.slice(2);
const server = kind === "tcp"
  ? new modbus.ServerTCP(vector, { host: "127.0.0.1", port: Number(place) })
  : new modbus.ServerSerial(vector, { port: place, baudRate: 9600, unitID: 1 });
server.on("initialized", () => console.log("ready"));
