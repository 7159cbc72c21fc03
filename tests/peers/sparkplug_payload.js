// npm's sparkplug-payload as a program: one JSON question per line, one JSON answer per line.
// {"decode": hex, "topic": T} -> the payload as sparkplug-payload reads it.  Data messages carry no
//   datatypes (the specification advises so), and sparkplug-payload reads no value without one: like
//   a host, this program remembers those of the births per topic's node and device.
// {"encode": payload} -> {"hex": …}
"use strict";
const readline = require("readline");
const spb = require("sparkplug-payload").get("spBv1.0");
const proto = require("sparkplug-payload/lib/sparkplugPayloadProto").org.eclipse.tahu.protobuf;

const born = new Map();

function plain(key, value) {
  if (value && value.type === "Buffer") return Buffer.from(value.data).toString("utf8");
  if (value && typeof value === "object" && "low" in value && "high" in value) {
    return Number((BigInt(value.high) << 32n) | BigInt(value.low >>> 0));
  }
  return typeof value === "bigint" ? Number(value) : value;
}

function decode(question) {
  const raw = proto.Payload.decode(Buffer.from(question.decode, "hex"));
  const parts = (question.topic || "").split("/");
  const place = [parts[1], parts[3], parts[4] || ""].join("/");
  for (const metric of raw.metrics) {
    const key = place + "#" + (metric.name || metric.alias.toString());
    if (metric.datatype) {
      born.set(key, [metric.name, metric.datatype]);
      if (metric.alias) born.set(place + "#" + metric.alias.toString(), [metric.name, metric.datatype]);
    } else if (born.has(key)) {
      [metric.name, metric.datatype] = born.get(key);
    }
  }
  const answer = spb.decodePayload(Buffer.from(proto.Payload.encode(raw).finish()));
  if (answer.body) answer.body = Buffer.from(answer.body).toString("utf8");
  return answer;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const question = JSON.parse(line);
  const answer = question.decode !== undefined
    ? decode(question)
    : { hex: Buffer.from(spb.encodePayload(question.encode)).toString("hex") };
  process.stdout.write(JSON.stringify(answer, plain) + "\n");
});
