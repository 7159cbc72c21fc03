// A client on node-opcua that does one thing after the other: a judge of the rig's servers that is not of our making.
//
//   node opcua_judge.js URL FOLDER NAMESPACE OBJECT COMMAND…
//
// FOLDER is that of opcua_client.js.  COMMAND is JSON: ["endpoints"], ["enter", policy, mode, user, password] (no user:
// anonymous), ["read", policy, mode] every variable of the object, ["write", name, type, value], ["follow", name, count]
// waits for so many notifications.  Prints one JSON line for each: {"values": …} or {"error": …}; a notification is a line
// as well, {"told": …}, as it comes.
"use strict";
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
console.log = console.error; // what the library tells of goes to standard error
const fs = require("fs");
const os = require("os");
const path = require("path");
const opcua = require("node-opcua");

const [url, folder, uri, object, ...commands] = process.argv.slice(2);
const { AttributeIds, DataType, MessageSecurityMode, SecurityPolicy, TimestampsToReturn, UserTokenType } = opcua;
const word = (name) => fs.readFileSync(path.join(folder, name), "utf8").trim();
const root = fs.mkdtempSync(path.join(os.tmpdir(), "opcua-judge-"));
process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));
const manager = new opcua.OPCUACertificateManager({ rootFolder: root, automaticallyAcceptUnknownCertificate: true });
const usual = ["Basic256Sha256", "SignAndEncrypt"];

function made(policy, mode) {
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

// Does something in a session and ends it.
async function within([policy, mode], act, identity) {
  const client = made(policy, mode);
  await client.connect(url);
  const who = identity || { type: UserTokenType.UserName, userName: word("user"), password: word("password") };
  try {
    const session = await client.createSession(who);
    const index = (await session.readNamespaceArray()).indexOf(uri);
    const found = await act(session, (name) => `ns=${index};s=${object}.${name}`, `ns=${index};s=${object}`);
    await session.close();
    return found;
  } finally {
    await client.disconnect();
  }
}

const acts = {
  async endpoints() {
    const client = made("None", "None");
    await client.connect(url);
    const found = await client.getEndpoints();
    await client.disconnect();
    return found.map((one) => [
      one.securityPolicyUri.split("#")[1],
      MessageSecurityMode[one.securityMode],
      one.userIdentityTokens.map((token) => UserTokenType[token.tokenType]).sort(),
    ]);
  },
  async enter([policy, mode, userName, password]) {
    const identity = userName ? { type: UserTokenType.UserName, userName, password } : { type: UserTokenType.Anonymous };
    return within([policy, mode], async () => "in", identity);
  },
  async read([policy, mode]) {
    return within([policy, mode], async (session, place, top) => {
      const { references } = await session.browse(top);
      const names = references.map((one) => one.browseName.name);
      const read = await session.read(names.map((name) => ({ nodeId: place(name), attributeId: AttributeIds.Value })));
      return Object.fromEntries(names.map((name, at) => [
        name, [DataType[read[at].value.dataType], read[at].value.value, read[at].statusCode.name],
      ]));
    });
  },
  async write([name, type, value]) {
    const data = { value: { dataType: DataType[type], value } };
    return within(usual, async (session, place) =>
      (await session.write({ nodeId: place(name), attributeId: AttributeIds.Value, value: data })).name);
  },
  async follow([name, count]) {
    return within(usual, async (session, place) => {
      const subscription = await session.createSubscription2({ requestedPublishingInterval: 50, publishingEnabled: true });
      const item = await subscription.monitor(
        { nodeId: place(name), attributeId: AttributeIds.Value },
        { samplingInterval: 50, discardOldest: false, queueSize: 10 }, TimestampsToReturn.Both);
      let left = count;
      await new Promise((resolve) => item.on("changed", (data) => {
        say({ told: data.value.value, status: data.statusCode.name, stamped: Boolean(data.sourceTimestamp) });
        left -= 1;
        if (left === 0) resolve();
      }));
      await subscription.terminate();
      return [];
    });
  },
};

(async () => {
  await manager.initialize();
  for (const command of commands) {
    const [name, ...rest] = JSON.parse(command);
    try {
      say({ values: await acts[name](rest) });
    } catch (error) {
      say({ error: error.message });
    }
  }
  process.exit(0);
})();
