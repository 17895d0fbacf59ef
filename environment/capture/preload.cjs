/**
 * Capture without code changes: loaded into a program by `node --require`, it dials the sidecar wherever the program dials a service, and writes a PROXY line
 * with the service's address in front: a REDIRECT with its own SO_ORIGINAL_DST, in user space.
 * DINGHY_OUTBOUND: `address:port` of the sidecar. DINGHY_VIPS: JSON file, host name → virtual address; read again when it changes.
 */
const { readFileSync, statSync } = require('node:fs');
const net = require('node:net');
const dns = require('node:dns');
const { syncBuiltinESMExports } = require('node:module');

const [sidecarAddress, sidecarPort] = (process.env.DINGHY_OUTBOUND ?? '').split(':');
const file = process.env.DINGHY_VIPS ?? '';
const namespace = process.env.DINGHY_NAMESPACE ?? 'default';

let table = {};
let readAt = -1;

const vips = () => {
  try {
    const { mtimeMs } = statSync(file);
    if (mtimeMs !== readAt) {
      table = JSON.parse(readFileSync(file, 'utf8'));
      readAt = mtimeMs;
    }
  } catch {
    // The file is being replaced: what was read last still holds.
  }
  return table;
};

const vipOf = (given) => {
  const known = vips();
  const host = given.replace(/\.$/, '');
  const name = [host, `${host}.${namespace}.svc.cluster.local`, `${host}.svc.cluster.local`, `${host}.cluster.local`].find((candidate) =>
    Object.hasOwn(known, candidate),
  );
  return name === undefined ? undefined : known[name];
};

const isVip = (host) => /^240\.240\.\d{1,3}\.\d{1,3}$/.test(host) || Object.values(vips()).includes(host);

const lookup = dns.lookup;
dns.lookup = (host, options, callback) => {
  const done = typeof options === 'function' ? options : callback;
  const vip = typeof host === 'string' ? vipOf(host) : undefined;
  if (vip === undefined) return lookup.call(dns, host, options, callback);
  const all = typeof options === 'object' && options !== null && options.all;
  process.nextTick(() => (all ? done(null, [{ address: vip, family: 4 }]) : done(null, vip, 4)));
};

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [options, callback] = net._normalizeArgs(Array.isArray(args[0]) ? args[0] : args);
  const host = options.host ?? 'localhost';
  const vip = options.path ? undefined : (vipOf(host) ?? (isVip(host) ? host : undefined));
  if (vip === undefined) return connect.apply(this, args);
  connect.call(this, { ...options, host: sidecarAddress, port: Number(sidecarPort), lookup: undefined, autoSelectFamily: false }, callback);
  // Queued until the connection is open, so it is always the first bytes.
  this.write(`PROXY TCP4 127.0.0.1 ${vip} ${1024 + Math.floor(Math.random() * 60000)} ${options.port}\r\n`);
  return this;
};
syncBuiltinESMExports();
