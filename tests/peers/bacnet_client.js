// A BACnet client on npm's node-bacnet or @bacnet-js/client: a judge of the rig's devices that is not of our making.
//
//   node bacnet_client.js node-bacnet|@bacnet-js/client HOST PORT COMMAND…
//
// COMMAND is JSON, one each: ["read", type, instance, property], ["multiple", [[type, instance, [property …]] …]],
// ["write", type, instance, property, tag, value, priority].  Prints one JSON line for each: {"values": …} or {"error": …}.
"use strict";
const [library, host, port, ...commands] = process.argv.slice(2);
const loaded = require(library);
const Client = loaded.default || loaded;
const client = new Client({ port: 47000 + (process.pid % 700), interface: "127.0.0.1", apduTimeout: 3000 });
const address = `${host}:${port}`;
const to = library === "node-bacnet" ? address : { address };

function values(of) {
  return of.map((one) => one.value);
}

// One of them calls back, the other promises.
function call(name, ...args) {
  if (library !== "node-bacnet") return client[name](to, ...args);
  return new Promise((resolve, reject) => {
    client[name](to, ...args, (error, found) => (error ? reject(error) : resolve(found)));
  });
}

const acts = {
  async read([type, instance, property]) {
    const found = await call("readProperty", { type, instance }, property, {});
    return values(found.values);
  },
  async multiple([wanted]) {
    const asked = wanted.map(([type, instance, ids]) => ({
      objectId: { type, instance }, properties: ids.map((id) => ({ id, index: 0xffffffff })),
    }));
    const found = await call("readPropertyMultiple", asked, {});
    return found.values.map((one) => one.values.map((property) => values(property.value)));
  },
  async write([type, instance, property, tag, value, priority]) {
    await call("writeProperty", { type, instance }, property, [{ type: tag, value }], { priority });
    return [];
  },
};

async function main() {
  for (const command of commands) {
    const [name, ...rest] = JSON.parse(command);
    try {
      console.log(JSON.stringify({ values: await acts[name](rest) }));
    } catch (error) {
      console.log(JSON.stringify({ error: error.message }));
    }
  }
  client.close();
  process.exit(0);
}

setTimeout(main, 200);
