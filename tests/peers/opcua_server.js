// An OPC UA server on node-opcua: a judge of our driver that is not of our making.
//
//   node opcua_server.js [key=word ...]      the keys, variables and commands of hil/quartier_bench/peers/opcua.c,
//                                            and two commands more, which open62541 has no way for:
//     end        ends every subscription, and says nothing of it
//     mute       lets every subscription live on, and publish nothing but that it lives
//
// Prints "ready" when it listens, and ends with its standard input.
"use strict";
const say = (text) => process.stdout.write(`${text}\n`);
console.log = console.error; // what the library tells of goes to standard error
const fs = require("fs");
const os = require("os");
const path = require("path");
const readline = require("readline");
const opcua = require("node-opcua");

const { DataType, DataValue, MessageSecurityMode, SecurityPolicy, StatusCodes, Variant, VariantArrayType } = opcua;
const PLANT_URI = "urn:quartier:peer:plant";
const OTHER_URI = "urn:quartier:peer:other";
const words = Object.fromEntries(process.argv.slice(2).map((one) => [one.split("=")[0], one.slice(one.indexOf("=") + 1)]));
const limit = Number(words.limit || 0);
const slowestMs = Number(words.slowest_ms || 20);
const many = Number(words.many || 300);
const held = new Map();
let writesCount = 0;

function held_value(name, dataType, value, arrayType = VariantArrayType.Scalar) {
  held.set(name, new DataValue({
    value: new Variant({ dataType, arrayType, value }),
    statusCode: StatusCodes.Good,
    sourceTimestamp: new Date(),
    serverTimestamp: new Date(),
  }));
}

// What a client writes is kept as it came; `answer` in its place keeps nothing.
function binding(name, answer) {
  return {
    timestamped_get: () => held.get(name),
    timestamped_set: async (written) => {
      writesCount += 1;
      if (answer) return answer;
      held.set(name, new DataValue({ value: written.value, statusCode: StatusCodes.Good, sourceTimestamp: new Date() }));
      return StatusCodes.Good;
    },
  };
}

function main_options() {
  const options = {
    port: Number(words.port || 4840),
    hostname: "127.0.0.1",
    alternateHostname: ["127.0.0.1"],
    resourcePath: "/",
    allowAnonymous: words.anonymous !== "no",
    userManager: { isValidUser: (name, password) => name === "operator" && password === "secret-7" },
    serverInfo: { applicationUri: "urn:quartier:peer" },
    nodeset_filename: [opcua.nodesets.standard],
    disableDiscovery: false,
    registerServerMethod: opcua.RegisterServerMethod.HIDDEN,
    securityModes: [MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [
      SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss,
    ],
  };
  if (words.none !== "no") {
    options.securityModes.push(MessageSecurityMode.None);
    options.securityPolicies.push(SecurityPolicy.None);
  }
  if (limit) {
    options.serverCapabilities = {
      operationLimits: { maxNodesPerRead: limit, maxNodesPerWrite: limit, maxMonitoredItemsPerCall: limit },
    };
  }
  return options;
}

async function managers(options) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "opcua-peer-"));
  process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));
  const made = (name, open) => {
    if (words.pki) { // a key that is there need not be made: half a second of each start
      fs.mkdirSync(path.join(root, name, "own", "private"), { recursive: true });
      fs.copyFileSync(path.join(words.pki, "own.key.pem"), path.join(root, name, "own", "private", "private_key.pem"));
    }
    return new opcua.OPCUACertificateManager({ rootFolder: path.join(root, name), automaticallyAcceptUnknownCertificate: open });
  };
  options.serverCertificateManager = made("server", !words.trust);
  options.userCertificateManager = made("user", true);
  await options.serverCertificateManager.initialize();
  await options.userCertificateManager.initialize();
  if (words.trust) await options.serverCertificateManager.trustCertificate(fs.readFileSync(words.trust));
  if (words.pki) {
    options.certificateFile = path.join(words.pki, "own.pem");
    options.privateKeyFile = path.join(words.pki, "own.key.pem");
  }
}

const TYPED = [
  ["Boolean", "Boolean", true], ["SByte", "SByte", -8], ["Byte", "Byte", 200], ["Int16", "Int16", -1600],
  ["UInt16", "UInt16", 65000], ["Int32", "Int32", -2000000000], ["UInt32", "UInt32", 4000000000],
  ["Int64", "Int64", [0xefffffff, 0xffffffff]], ["UInt64", "UInt64", [0x80000000, 1]], ["Float", "Float", 1.5],
  ["Double", "Double", 2.25], ["String", "String", "grün"], ["DateTime", "DateTime", new Date(0)],
  ["Guid", "Guid", "00000001-0002-0003-0405-060708090A0B"], ["ByteString", "ByteString", Buffer.from("abc")],
  ["LocalizedText", "LocalizedText", { locale: "en", text: "running" }],
  ["QualifiedName", "QualifiedName", { namespaceIndex: 0, name: "named" }],
  ["StatusCode", "StatusCode", StatusCodes.BadOutOfService], ["NodeId", "NodeId", opcua.resolveNodeId("i=85")],
  ["BooleanArray", "Boolean", [true, false, true], 1], ["Int32Array", "Int32", Int32Array.from([1, -2, 3]), 1],
  ["DoubleArray", "Double", Float64Array.from([0.5, 1.5]), 1], ["StringArray", "String", ["one", "two"], 1],
];

function plant_of(space) {
  if (words.order === "other") space.registerNamespace(OTHER_URI);
  const names = space.registerNamespace(PLANT_URI);
  space.registerNamespace(OTHER_URI);
  const folder = names.addObject({ organizedBy: space.rootFolder.objects, browseName: "Plant", nodeId: "s=Plant" });
  const common = (name) => ({
    componentOf: folder, browseName: name, nodeId: `s=${name}`, minimumSamplingInterval: slowestMs,
  });
  const plain = (name, more = {}, answer = undefined) =>
    names.addVariable({ dataType: "Double", ...common(name), ...more, value: binding(name, answer) });
  const analog = (name, value, low, high, engineeringUnits) => {
    held_value(name, DataType.Double, value);
    names.addAnalogDataItem({
      ...common(name), dataType: "Double", engineeringUnitsRange: { low, high }, engineeringUnits, value: binding(name),
    });
  };
  for (const [name, dataType, value, rank] of TYPED) {
    held_value(name, DataType[dataType], value, rank ? VariantArrayType.Array : VariantArrayType.Scalar);
    plain(name, rank ? { dataType, valueRank: 1 } : { dataType });
  }
  analog("Temperature", 42.5, 0, 120, opcua.standardUnits.degree_celsius);
  analog("Pump", 80, 10, 100, opcua.standardUnits.percent);
  for (const [name, answer] of [["Deaf", StatusCodes.Good], ["Refuses", StatusCodes.BadOutOfRange]]) {
    held_value(name, DataType.Double, 5);
    plain(name, {}, answer);
  }
  held_value("ReadOnly", DataType.Double, 1);
  plain("ReadOnly", { accessLevel: "CurrentRead", userAccessLevel: "CurrentRead" });
  held_value("Hidden", DataType.Double, 1);
  plain("Hidden", { accessLevel: 0, userAccessLevel: 0 });
  for (let n = 0; n < many; n += 1) {
    held_value(`Many${n}`, DataType.Double, n);
    plain(`Many${n}`);
  }
}

function count_on() {
  let tenths = 0;
  setInterval(() => {
    tenths += 1;
    for (let n = 0; n < many; n += 1) held_value(`Many${n}`, DataType.Double, tenths + n);
  }, 100);
}

const subscriptions = (server) =>
  Object.values(server.engine._sessions).flatMap((session) => session.publishEngine.subscriptions.map((one) => [session, one]));

const ORDERS = {
  set: (_server, [name, number, status, ageS]) => {
    const at = new Date(Date.now() - 1000 * Number(ageS || 0));
    held.set(name, new DataValue({
      value: new Variant({ dataType: DataType.Double, value: Number(number) }),
      statusCode: opcua.coerceStatusCode({ value: parseInt(status || "0", 16) }),
      sourceTimestamp: at, serverTimestamp: new Date(),
    }));
    return "ok";
  },
  get: (_server, [name]) => String(Number(held.get(name).value.value)),
  writes: () => String(writesCount),
  kill: async (server) => {
    for (const session of Object.values(server.engine._sessions))
      server.engine.closeSession(session.authenticationToken, true, "Terminated");
    return "ok";
  },
  end: async (server) => {
    for (const [session, one] of subscriptions(server)) session.deleteSubscription(one.id);
    return "ok";
  },
  mute: async (server) => {
    for (const [, one] of subscriptions(server)) one.setPublishingMode(false);
    return "ok";
  },
};

(async () => {
  const options = main_options();
  await managers(options);
  const server = new opcua.OPCUAServer(options);
  await server.initialize();
  plant_of(server.engine.addressSpace);
  await server.start();
  count_on();
  say("ready");
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const [order, ...rest] = line.split(" ");
    say(ORDERS[order] ? await ORDERS[order](server, rest) : "unknown");
  });
  lines.on("close", () => process.exit(0));
})();
