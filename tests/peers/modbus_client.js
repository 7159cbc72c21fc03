// A Modbus TCP client on npm's modbus-serial: a judge of our shares that is not of our making.
//
//   node modbus_client.js PORT UNIT COMMAND…
//
// COMMAND is JSON, one each: ["coil"|"discrete"|"input"|"holding", first, count] or ["write", register, value].
// Prints one JSON line for each: {"values": …} or {"error": code of the exception}.
"use strict";
const ModbusRTU = require("modbus-serial");

const [port, unit, ...commands] = process.argv.slice(2);
const client = new ModbusRTU();
const acts = {
  coil: async (first, count) => (await client.readCoils(first, count)).data.slice(0, count).map(Number),
  discrete: async (first, count) => (await client.readDiscreteInputs(first, count)).data.slice(0, count).map(Number),
  input: async (first, count) => (await client.readInputRegisters(first, count)).data,
  holding: async (first, count) => (await client.readHoldingRegisters(first, count)).data,
  write: async (register, value) => [(await client.writeRegister(register, value)).value],
};

async function main() {
  await client.connectTCP("127.0.0.1", { port: Number(port) });
  client.setID(Number(unit));
  client.setTimeout(5000);
  for (const command of commands) {
    const [act, ...words] = JSON.parse(command);
    try {
      console.log(JSON.stringify({ values: await acts[act](...words) }));
    } catch (error) {
      console.log(JSON.stringify({ error: error.modbusCode === undefined ? String(error) : error.modbusCode }));
    }
  }
  client.close(() => process.exit(0));
}

main();
