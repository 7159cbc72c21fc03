// Things of a bench as processes of their own, on npm's modbus-serial: nothing in them is of our making.
//
//   node bench_things.js charger PORT FOLDER
//       a charging station with the registers of KEBA's guide V1.07; what its car takes goes to FOLDER/charger_w
//   node bench_things.js meter PORT FOLDER
//       a reference meter with the registers of Eastron's SDM630: reads FOLDER/charger_w, as a clamp would
//   node bench_things.js board PORT FOLDER CHARGER_PORT CABLE_PORT
//       a board of eight relays.  Coil 0 is the station's supply: without it its process is killed.  Coil 1,
//       wired normally closed, is its network cable: CABLE_PORT leads to CHARGER_PORT, or nowhere.  Coil 2 plugs
//       a car in.  Coil 7 is stuck.  Each switching is a line of FOLDER/switched.
//
//   node bench_things.js outlets PORT FOLDER
//       two outlets over HTTP, by Shelly's documentation of its RPC (Gen2+ Device API); outlet 1 is stuck
//
// Prints "ready" when it listens.
"use strict";
const fs = require("fs");
const net = require("net");
const path = require("path");
const { spawn } = require("child_process");
const modbus = require("modbus-serial");

const [kind, port, folder, chargerPort, cablePort] = process.argv.slice(2);
const file = (name) => path.join(folder, name);

function refuse(code) {
  const error = new Error("refused");
  error.modbusErrorCode = code;
  throw error;
}

function put(name, text) {
  fs.writeFileSync(file(`${name}.new`), text);
  fs.renameSync(file(`${name}.new`), file(name));
}

function serve(vector) {
  const server = new modbus.ServerTCP(vector, { host: "127.0.0.1", port: Number(port) });
  server.on("initialized", () => console.log("ready"));
}

function charger() {
  let limitMa = 16000, enabled = true, fallen = false, failsafeMa = 0, timeoutS = 0, energyWh = 0;
  let heardMs = Date.now(), countedMs = Date.now();
  const plugged = () => fs.existsSync(file("car"));
  const allowedMa = () => (enabled || fallen ? limitMa : 0);
  const powerW = () => (plugged() && allowedMa() >= 6000 ? (3 * 230 * allowedMa()) / 1000 : 0);
  setInterval(() => {
    const now = Date.now();
    if (timeoutS && now - heardMs >= timeoutS * 1000 && !fallen) {
      limitMa = failsafeMa; enabled = false; fallen = true;
    }
    energyWh += (powerW() * (now - countedMs)) / 3.6e6;
    countedMs = now;
    put("charger_w", `${powerW()}`);
  }, 50);
  const shown = () => ({
    1000: !plugged() ? 1 : powerW() > 0 ? 3 : 5,
    1004: plugged() ? 7 : 3,
    1006: 0,
    1008: powerW() / 0.69, 1010: powerW() / 0.69, 1012: powerW() / 0.69,
    1014: 23456789, 1016: 304110, 1018: 0x030a2a00,
    1020: powerW() * 1000,
    1036: energyWh * 10,
    1040: 230, 1042: 230, 1044: 230,
    1100: allowedMa(), 1110: 16000,
    1502: energyWh * 10,
    1600: failsafeMa, 1602: timeoutS,
  });
  serve({
    getMultipleHoldingRegisters: (address, count) => {
      const value = shown()[address];
      if (value === undefined || count !== 2) refuse(2);
      const whole = Math.round(value);
      return [Math.floor(whole / 65536) & 0xffff, whole & 0xffff];
    },
    setRegister: (address, value) => {
      if (address === 5004) { if (value < 6000) refuse(3); limitMa = Math.min(value, 16000); }
      else if (address === 5014) { enabled = value !== 0; fallen = false; }
      else if (address === 5016) failsafeMa = value;
      else if (address === 5018) timeoutS = value;
      else if (address !== 5020) refuse(2);
      if ([5004, 5014, 5018].includes(address)) heardMs = Date.now();
    },
  });
}

function meter() {
  const power = () => {
    const word = Buffer.alloc(4);
    word.writeFloatBE(Number(fs.readFileSync(file("charger_w"), "utf8")) || 0);
    return word;
  };
  serve({
    getInputRegister: (address) => {
      if (address === 0x34) return power().readUInt16BE(0);
      if (address === 0x35) return power().readUInt16BE(2);
      return 0;
    },
    getHoldingRegister: (address) => (address === 0xfc01 ? 4711 : 0),
  });
}

function board() {
  const coils = new Array(8).fill(false);
  let station = null;
  const wires = new Set();
  put("charger_w", "0");

  function supply(on) {
    if (on && station === null) {
      station = spawn(process.execPath, [__filename, "charger", chargerPort, folder], { stdio: "ignore" });
      put("charger.pid", `${station.pid}`);
    } else if (!on && station !== null) {
      const dead = station;
      station = null;
      dead.once("exit", () => put("charger_w", "0"));
      dead.kill("SIGKILL");
    }
  }

  function car(on) {
    if (on) put("car", "");
    else fs.rmSync(file("car"), { force: true });
  }

  net.createServer((near) => {
    if (coils[1]) { near.destroy(); return; }
    const far = net.connect(Number(chargerPort), "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      wires.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => { wires.delete(one); other.destroy(); });
    }
  }).listen(Number(cablePort), "127.0.0.1");

  process.on("exit", () => { if (station !== null) station.kill("SIGKILL"); });
  process.on("SIGTERM", () => process.exit(0));
  serve({
    getCoil: (address) => (address < 8 ? coils[address] : refuse(2)),
    setCoil: (address, value) => {
      if (address >= 8) refuse(2);
      if (address === 7) return;
      coils[address] = value;
      fs.appendFileSync(file("switched"), `${address} ${value ? 1 : 0}\n`);
      if (address === 0) supply(value);
      else if (address === 1 && value) wires.forEach((wire) => wire.destroy());
      else if (address === 2) car(value);
    },
  });
}

function outlets() {
  const on = [false, false];
  require("http").createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const id = Number(searchParams.get("id"));
    const tell = (status, body) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/rpc/Shelly.GetDeviceInfo") {
      tell(200, { id: "shellyplus2pm-a8032ab1c2d3", model: "SNSW-002P16EU", gen: 2, ver: "1.4.4", app: "Plus2PM", auth_en: false });
    } else if (!["/rpc/Switch.Set", "/rpc/Switch.GetStatus"].includes(pathname)) {
      tell(404, { code: 404, message: `No handler for ${pathname}` });
    } else if (!(id in on)) {
      tell(500, { code: -105, message: `Argument 'id', value ${id} not found!` });
    } else if (pathname === "/rpc/Switch.Set") {
      const before = on[id];
      if (id !== 1) on[id] = searchParams.get("on") === "true";
      fs.appendFileSync(file("switched"), `outlet${id} ${searchParams.get("on")}\n`);
      tell(200, { was_on: before });
    } else {
      tell(200, { id, source: "HTTP_in", output: on[id], apower: 0.0, voltage: 231.4, errors: [] });
    }
  }).listen(Number(port), "127.0.0.1", () => console.log("ready"));
}

({ charger, meter, board, outlets })[kind]();
