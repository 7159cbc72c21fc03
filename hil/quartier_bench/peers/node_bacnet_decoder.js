// node-bacnet reads BACnet answers: decoding.js FOLDER CAPTURE, where FOLDER holds the package.  Each line on stdin, a number of passes,
// is answered by a line with the CPU seconds that it took, the points and the sum of their values.
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');

const at = (name) => require(path.join(process.argv[2], 'lib', name));
const bvlc = at('bvlc'), npdu = at('npdu'), apdu = at('apdu'), services = at('services');
const datagrams = JSON.parse(fs.readFileSync(process.argv[3])).map((text) => Buffer.from(text, 'hex'));

function numbers(buffer) {
  const link = bvlc.decode(buffer, 0);
  const network = npdu.decode(buffer, link.len);
  const offset = link.len + network.len;
  const head = apdu.decodeComplexAck(buffer, offset);
  const told = services.readPropertyMultiple.decodeAcknowledge(buffer, offset + head.len, buffer.length - offset - head.len);
  const found = [];
  for (const one of told.values) {
    for (const result of one.values) found.push(result.value[0].value);
  }
  return found;
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  let points = 0, total = 0;
  const before = process.cpuUsage();
  for (let pass = Number(line); pass > 0; pass--) {
    total = 0;
    for (const data of datagrams) {
      const found = numbers(data);
      points += found.length;
      let sum = 0;
      for (const value of found) sum += value;
      total += sum;
    }
  }
  const spent = process.cpuUsage(before);
  process.stdout.write(JSON.stringify([(spent.user + spent.system) / 1e6, points, total]) + '\n');
});
