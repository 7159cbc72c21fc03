// A BACnet device on npm's node-bacnet or @bacnet-js/client: a judge of our driver that is not of our making.
//
//   node bacnet_server.js node-bacnet|@bacnet-js/client PORT INSTANCE
//
// Analog inputs 1 to 20 hold 20.5 + instance in degrees Celsius, analog value 1 can be commanded (priority array), multi-state
// value 1 is 2 of three states.  No COV.  Prints "ready" when it listens.  Neither hears requests of
// a client at 127.0.0.1 and the usual port: ask from another port or address.
"use strict";
const [library, port, instance] = process.argv.slice(2);
const loaded = require(library);
const Client = loaded.default || loaded;
const device = Number(instance);
const server = new Client({ port: Number(port), interface: "127.0.0.1", apduTimeout: 3000 });

const [BOOLEAN, UNSIGNED, REAL, TEXT, BITS, ENUMERATED, OBJECT, NULL] = [1, 2, 4, 7, 8, 9, 12, 0];
const one = (type, value) => [{ type, value }];
const flags = one(BITS, { bitsUsed: 4, value: [0] });
const objects = new Map();
const places = Array(16).fill(null);

function put(type, number, more) {
  objects.set(`${type}:${number}`, {
    75: one(OBJECT, { type, instance: number }), 79: one(ENUMERATED, type), 111: flags, 36: one(ENUMERATED, 0),
    81: one(BOOLEAN, false), ...more,
  });
}
for (let number = 1; number <= 20; number += 1) {
  put(0, number, { 77: one(TEXT, `Room ${number}`), 85: one(REAL, 20.5 + number), 117: one(ENUMERATED, 62) });
}
put(2, 1, { 77: one(TEXT, "Limit"), 117: one(ENUMERATED, 98), 104: one(REAL, 100) });
put(19, 1, {
  77: one(TEXT, "Mode"), 85: one(UNSIGNED, 2), 74: one(UNSIGNED, 3),
  110: ["off", "night", "day"].map((value) => ({ type: TEXT, value })),
});
put(8, device, {
  77: one(TEXT, `node ${device}`), 120: one(UNSIGNED, 260), 121: one(TEXT, "node"), 70: one(TEXT, library),
  62: one(UNSIGNED, 1476), 107: one(ENUMERATED, 3), 44: one(TEXT, "1"), 12: one(TEXT, "1"),
  76: [...objects.keys(), `8:${device}`].map((key) => {
    const [type, number] = key.split(":").map(Number);
    return { type: OBJECT, value: { type, instance: number } };
  }),
});

function told(id, property) {
  const type = id.type, number = id.type === 8 && id.instance === 4194303 ? device : id.instance;
  const object = objects.get(`${type}:${number}`);
  if (!object) return { errorClass: 1, errorCode: 31 };
  if (type === 2 && property.id === 85) return { values: one(REAL, places.find((place) => place !== null) ?? 100) };
  if (type === 2 && property.id === 87) {
    return { values: places.map((place) => (place === null ? { type: NULL, value: null } : { type: REAL, value: place })) };
  }
  const whole = object[property.id];
  if (!whole) return { errorClass: 2, errorCode: 32 };
  if (property.index === 0xffffffff || property.index === undefined) return { values: whole };
  if (property.index === 0) return { values: one(UNSIGNED, whole.length) };
  return whole[property.index - 1] ? { values: [whole[property.index - 1]] } : { errorClass: 2, errorCode: 42 };
}

const from = (data) => (data.header ? data.header.sender : data.address);
const body = (data) => data.payload || data.request;
const invoke = (data) => data.invokeId;

server.on("whoIs", (data) => {
  const { lowLimit, highLimit } = body(data) || {};
  if (lowLimit !== undefined && (device < lowLimit || device > highLimit)) return;
  server.iAmResponse(from(data), device, 3, 260);
});
server.on("readProperty", (data) => {
  const { objectId, property } = body(data);
  const found = told(objectId, property);
  if (!found.values) server.errorResponse(from(data), 12, invoke(data), found.errorClass, found.errorCode);
  else server.readPropertyResponse(from(data), invoke(data), objectId, property, found.values);
});
// Neither can put an error in the place of one value: as some devices do, it says no to the whole.
server.on("readPropertyMultiple", (data) => {
  let denied = null;
  const answer = body(data).properties.map(({ objectId, properties }) => ({
    objectId,
    values: properties.map((property) => {
      const found = told(objectId, property);
      if (!found.values) denied = found;
      return { property, value: found.values };
    }),
  }));
  if (denied) server.errorResponse(from(data), 14, invoke(data), denied.errorClass, denied.errorCode);
  else server.readPropertyMultipleResponse(from(data), invoke(data), answer);
});
server.on("writeProperty", (data) => {
  const { objectId, value } = body(data);
  if (objectId.type !== 2 || objectId.instance !== 1) {
    server.errorResponse(from(data), 15, invoke(data), 2, 40);
    return;
  }
  const given = value.value[0];
  places[(value.priority || 16) - 1] = given.type === NULL ? null : given.value;
  server.simpleAckResponse(from(data), 15, invoke(data));
});
setTimeout(() => console.log("ready"), 300);
