// npm's node-bacnet or @bacnet-js/client as a codec: a judge of our BACnet messages that is not of our making.
//
//   node bacnet_codec.js node-bacnet|@bacnet-js/client
//
// A line on stdin is JSON [what, hexadecimal digits of a service's own part], or ["tell", rows] with rows [type, instance, property, [tag, value]];
// a line on stdout is what it read, or the digits of the answer that it made; null where it could not.
"use strict";
const fs = require("fs");
const path = require("path");
const library = process.argv[2];
const folder = path.join(__dirname, "node_modules", library, library === "node-bacnet" ? "lib" : "dist/lib");

function service(old, fresh) {
  if (library === "node-bacnet") return require(path.join(folder, "services", old));
  return require(path.join(folder, "services", fresh)).default;
}

const multiple = service("read-property-multiple", "ReadPropertyMultiple");
const single = service("read-property", "ReadProperty");
const write = service("write-property", "WriteProperty");
const subscribe = service("subscribe-cov", "SubscribeCov");
const notify = service("cov-notify", "CovNotify");
const ANY = 0xffffffff;

function plain(one) {
  const { type, value } = one;
  if (typeof value === "number" && !Number.isFinite(value)) return [type, String(value)];
  if (typeof value === "bigint") return [type, Number(value)];
  if (value && value.instance !== undefined) return [type, [value.type, value.instance]];
  return [type, value];
}

function values(list) {
  const error = list.length && list[0].value && list[0].value.errorClass !== undefined ? list[0].value : null;
  return error ? ["error", error.errorClass, error.errorCode] : list.map(plain);
}

const acts = {
  answer(buffer) {
    const told = multiple.decodeAcknowledge(buffer, 0, buffer.length);
    return told.values.map((one) => [one.objectId.type, one.objectId.instance,
      one.values.map((row) => [row.id, row.index === ANY ? -1 : row.index, values(row.value)])]);
  },
  one(buffer) {
    const told = single.decodeAcknowledge(buffer, 0, buffer.length);
    return [told.objectId.type, told.objectId.instance, told.property.id, told.property.index === ANY ? -1 : told.property.index,
      values(told.values)];
  },
  ask(buffer) {
    return multiple.decode(buffer, 0, buffer.length).properties.map((one) => [one.objectId.type, one.objectId.instance,
      one.properties.map((row) => [row.id, row.index === ANY ? -1 : row.index])]);
  },
  read(buffer) {
    const told = single.decode(buffer, 0, buffer.length);
    return [told.objectId.type, told.objectId.instance, told.property.id, told.property.index === ANY ? -1 : told.property.index];
  },
  write(buffer) {
    const told = write.decode(buffer, 0, buffer.length);
    const property = told.value.property;
    return [told.objectId.type, told.objectId.instance, property.id, property.index === ANY ? -1 : property.index,
      values(told.value.value), told.value.priority];
  },
  subscribe(buffer) {
    const told = subscribe.decode(buffer, 0, buffer.length);
    return [told.subscriberProcessId, told.monitoredObjectId.type, told.monitoredObjectId.instance, told.cancellationRequest,
      told.issueConfirmedNotifications || false, told.lifetime || 0];
  },
  notice(buffer) {
    const told = notify.decode(buffer, 0, buffer.length);
    return [told.subscriberProcessId, told.initiatingDeviceId.instance, told.monitoredObjectId.type, told.monitoredObjectId.instance,
      told.timeRemaining, told.values.map((row) => [row.property.id, values(row.value)])];
  },
  tell(rows) {
    const made = { buffer: Buffer.alloc(1400), offset: 0 };
    multiple.encodeAcknowledge(made, rows.map(([type, instance, id, [tag, value]]) => ({
      objectId: { type, instance }, values: [{ property: { id, index: ANY }, value: [{ type: tag, value }] }],
    })));
    return made.buffer.slice(0, made.offset).toString("hex");
  },
};

for (const line of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [what, said] = JSON.parse(line);
  let told = null;
  try {
    told = acts[what](what === "tell" ? said : Buffer.from(said, "hex"));
  } catch (error) {
    told = null;
  }
  process.stdout.write(`${JSON.stringify(told === undefined ? null : told)}\n`);
}
