// npm's mqtt-packet and sparkplug-payload judge recorded bytes: one JSON chunk per line in the order of its
// arrival, one JSON packet per line.
// {"conn": n, "way": "up" | "down", "at": seconds, "hex": …}
//   -> {"conn", "way", "at", "chunk", "cmd", …}: what mqtt-packet read, payloads as sparkplug-payload reads them.
// A Sparkplug payload is {timestamp?, seq?, metrics, body?, same}: what is not on the wire is not there, and
//   "same" says that sparkplug-payload writes the very same bytes for it.
"use strict";
const fs = require("fs");
const mqtt = require("mqtt-packet");
const spb = require("sparkplug-payload").get("spBv1.0");
const proto = require("sparkplug-payload/lib/sparkplugPayloadProto").org.eclipse.tahu.protobuf;

const VALUES = ["intValue", "longValue", "floatValue", "doubleValue", "booleanValue", "stringValue", "bytesValue",
  "datasetValue", "templateValue", "extensionValue", "propertysetValue", "propertysetsValue"];
const PLAIN = ["topic", "qos", "retain", "dup", "clientId", "clean", "keepalive", "protocolVersion", "reasonCode",
  "returnCode", "properties", "subscriptions", "granted", "sessionPresent", "messageId"];
const has = (found, key) => Object.prototype.hasOwnProperty.call(found, key);

function plain(value) {
  if (value && typeof value === "object" && "low" in value && "high" in value) {
    const whole = BigInt(value.toString());
    return whole <= Number.MAX_SAFE_INTEGER ? Number(whole) : whole.toString();
  }
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return value;
}

function copied(found, keys) {
  const out = {};
  for (const key of keys) if (has(found, key)) out[key] = plain(found[key]);
  const value = VALUES.find((key) => has(found, key));
  if (value) Object.assign(out, { field: value, value: plain(found[value]) });
  return out;
}

function metric(found, read) {
  const out = copied(found, ["name", "alias", "timestamp", "datatype", "isHistorical", "isTransient", "isNull"]);
  if (has(found, "datatype")) out.type = read.type;
  if (has(found, "properties")) {
    const { keys, values } = found.properties;
    out.properties = { keys, values: values.map((value) => copied(value, ["type", "isNull"])) };
  }
  return out;
}

function payload(topic, bytes) {
  if (!topic.startsWith("spBv1.0/")) return bytes.toString("hex");
  if (topic.startsWith("spBv1.0/STATE/")) return bytes.toString("utf8");
  const raw = proto.Payload.decode(bytes);
  const read = spb.decodePayload(bytes);
  const out = copied(raw, ["timestamp", "seq"]);
  if (has(raw, "body")) out.body = Buffer.from(raw.body).toString("utf8");
  out.metrics = raw.metrics.map((found, place) => metric(found, read.metrics[place]));
  out.same = Buffer.from(proto.Payload.encode(raw).finish()).equals(bytes);
  return out;
}

function told(packet) {
  const out = { cmd: packet.cmd };
  for (const key of PLAIN) if (packet[key] !== undefined) out[key] = packet[key];
  if (packet.cmd === "publish") out.payload = payload(packet.topic, packet.payload);
  if (packet.will) {
    const { topic, qos, retain } = packet.will;
    out.will = { topic, qos, retain, payload: payload(topic, packet.will.payload) };
  }
  return out;
}

const parsers = new Map();
fs.readFileSync(0, "utf8").split("\n").filter(Boolean).forEach((line, chunk) => {
  const { conn, way, at, hex } = JSON.parse(line);
  const say = (what) => process.stdout.write(JSON.stringify({ conn, way, at, chunk, ...what }) + "\n");
  const key = conn + way;
  if (!parsers.has(key)) {
    const parser = mqtt.parser({ protocolVersion: 5 });
    parsers.set(key, { parser, say });
    parser.on("packet", (packet) => parsers.get(key).say(told(packet)));
    parser.on("error", (error) => parsers.get(key).say({ cmd: "error", why: error.message }));
  }
  parsers.get(key).say = say;
  if (hex === "") say({ cmd: "end" });
  else parsers.get(key).parser.parse(Buffer.from(hex, "hex"));
});
