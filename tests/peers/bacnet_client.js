// A BACnet client on npm's node-bacnet or @bacnet-js/client: a judge of the rig's devices that is not of our making.
//
//   node bacnet_client.js node-bacnet|@bacnet-js/client HOST PORT COMMAND…
//
// COMMAND is JSON, one each: ["read", type, instance, property], ["multiple", [[type, instance, [property …]] …]],
// ["write", type, instance, property, tag, value, priority], ["who", low, high] waits for the first I-Am, ["follow", type,
// instance, confirmed, count] subscribes and waits for so many notifications, ["cancel", type, instance].  Prints one JSON line
// for each: {"values": …} or {"error": …}; a notification is a line as well, {"told": …}, as it comes.
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

// The first content of an event for which `take` gives something.
function heard(name, take) {
  return new Promise((resolve) => {
    const listen = (content) => {
      const found = take(content);
      if (found === undefined) return;
      client.removeListener(name, listen);
      resolve(found);
    };
    client.on(name, listen);
  });
}

const COV_NOTIFICATION = 1; // the confirmed service's number
const PROCESS_ID = 7;

const acts = {
  async who([lowLimit, highLimit]) {
    const answer = heard("iAm", ({ payload }) => [payload.deviceId, payload.maxApdu, payload.segmentation, payload.vendorId]);
    client.whoIs(to, { lowLimit, highLimit });
    return answer;
  },
  async follow([type, instance, confirmed, count]) {
    let left = count;
    const all = heard(confirmed ? "covNotify" : "covNotifyUnconfirmed", ({ header, invokeId, payload }) => {
      if (confirmed) client.simpleAckResponse(header.sender, COV_NOTIFICATION, invokeId);
      const told = payload.values.map((one) => [one.property.id, values(one.value)]);
      console.log(JSON.stringify({ told, process: payload.subscriberProcessId, left_s: payload.timeRemaining }));
      left -= 1;
      return left ? undefined : [];
    });
    await call("subscribeCov", { type, instance }, PROCESS_ID, false, confirmed, 60, {});
    return all;
  },
  async cancel([type, instance]) {
    await call("subscribeCov", { type, instance }, PROCESS_ID, true, false, 0, {});
    return [];
  },
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
