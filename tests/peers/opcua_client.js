// A client on node-opcua: a judge of the rig's servers that is not of our making.
//
//   node opcua_client.js URL FOLDER POLICY MODE NAMESPACE OBJECT [NAME=NUMBER ...]
//
// FOLDER holds own.pem and own.key.pem, and user and password, one word each.  Reads every variable of the object,
// writes what is named (doubles), reads again, and prints one JSON object: for each variable its value, data type,
// status, range and unit, and what became of the writes.
"use strict";
const say = (text) => process.stdout.write(`${text}\n`);
console.log = console.error; // what the library tells of goes to standard error
const fs = require("fs");
const os = require("os");
const path = require("path");
const opcua = require("node-opcua");

const [url, folder, policy, mode, uri, object, ...orders] = process.argv.slice(2);
const { AttributeIds, DataType, MessageSecurityMode, SecurityPolicy, UserTokenType } = opcua;
const word = (name) => fs.readFileSync(path.join(folder, name), "utf8").trim();

async function made() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "opcua-client-"));
  process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));
  const manager = new opcua.OPCUACertificateManager({ rootFolder: root, automaticallyAcceptUnknownCertificate: true });
  await manager.initialize();
  return opcua.OPCUAClient.create({
    applicationUri: "urn:quartier:judge",
    clientCertificateManager: manager,
    certificateFile: path.join(folder, "own.pem"),
    privateKeyFile: path.join(folder, "own.key.pem"),
    securityMode: MessageSecurityMode[mode],
    securityPolicy: SecurityPolicy[policy],
    connectionStrategy: { maxRetry: 0 },
    endpointMustExist: false,
  });
}

async function property(session, nodeId, name) {
  const found = await session.translateBrowsePath(opcua.makeBrowsePath(nodeId, `.${name}`));
  if (!found.targets || !found.targets.length) return null;
  return (await session.read({ nodeId: found.targets[0].targetId, attributeId: AttributeIds.Value })).value.value;
}

async function shown(session, index, name) {
  const nodeId = `ns=${index};s=${object}.${name}`;
  const value = await session.read({ nodeId, attributeId: AttributeIds.Value });
  const range = await property(session, nodeId, "EURange");
  const unit = await property(session, nodeId, "EngineeringUnits");
  return {
    value: value.value.value,
    type: DataType[value.value.dataType],
    status: value.statusCode.name,
    stamped: Boolean(value.sourceTimestamp),
    range: range && [range.low, range.high],
    unit: unit && [unit.unitId, unit.displayName.text],
  };
}

(async () => {
  const client = await made();
  await client.connect(url);
  const session = await client.createSession({ type: UserTokenType.UserName, userName: word("user"), password: word("password") });
  const index = (await session.readNamespaceArray()).indexOf(uri);
  const children = await session.browse(`ns=${index};s=${object}`);
  const names = children.references.map((one) => one.browseName.name);
  const writes = {};
  for (const order of orders) {
    const [name, number] = order.split("=");
    const value = { value: { dataType: DataType.Double, value: Number(number) } };
    writes[name] = (await session.write({ nodeId: `ns=${index};s=${object}.${name}`, attributeId: AttributeIds.Value, value })).name;
  }
  const variables = {};
  for (const name of names) variables[name] = await shown(session, index, name);
  await session.close();
  await client.disconnect();
  say(JSON.stringify({ policy: client.securityPolicy, variables, writes }));
  process.exit(0);
})().catch((error) => {
  say(JSON.stringify({ error: error.message }));
  process.exit(1);
});
