/** One HTTP request into the mesh: to the gateway as a client outside, to a sidecar with the capture's PROXY line in front, or as a stranger straight to a workload. */
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { RunFile } from '#environment';

const OUTBOUND_PORT = 15_001;
const TIMEOUT_MS = 30_000;
const MAX_BODY_BYTES = 1_048_576;

/** Where the connection goes, and what the request calls it. preface: sent before anything else. */
export interface Dial {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly preface: string;
}

/** What came back. status 0: nothing did, and `error` says why. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly durationMs: number;
  readonly error: string;
}

/** Who sends without any sidecar: plain text, straight to a workload. */
export const OUTSIDE = 'outside';

/** What is asked for; from: workload or OUTSIDE, the gateway when undefined. */
export interface Order {
  readonly from: string | undefined;
  readonly url: string;
  readonly vips: Readonly<Record<string, string>>;
}

/** Throws when the workload or the service does not exist. */
export const dialOf = (run: RunFile, { from, url, vips }: Order): Dial => {
  if (from === undefined) {
    const gateway = run.gateways[0];
    if (gateway === undefined) throw new Error(`mesh ${run.name} has no gateway; give --from`);
    const at = new URL(gateway.url);
    const wanted = new URL(url, at);
    return {
      address: at.hostname,
      port: Number(at.port || 80),
      host: wanted.host,
      path: `${wanted.pathname}${wanted.search}`,
      preface: '',
    };
  }
  if (from === OUTSIDE) return outsideDial(run, url);
  const workload = run.workloads.find((one) => one.name === from || `${one.name}.${one.namespace}` === from);
  if (workload === undefined) throw new Error(`no workload called ${from}; there are ${run.workloads.map(({ name }) => name).join(', ')}`);
  if (!URL.canParse(url) || !url.startsWith('http://')) throw new Error(`${url} is not an http:// address`);
  const wanted = new URL(url);
  const vip = vipOf(wanted.hostname, workload.namespace, vips);
  const preface = `PROXY TCP4 ${workload.address} ${vip} 40000 ${wanted.port || 80}\r\n`;
  return { address: workload.address, port: OUTBOUND_PORT, host: wanted.host, path: `${wanted.pathname}${wanted.search}`, preface };
};

const outsideDial = ({ workloads }: RunFile, url: string): Dial => {
  if (!URL.canParse(url) || !url.startsWith('http://')) throw new Error(`${url} is not an http:// address`);
  const wanted = new URL(url);
  const workload = workloads.find(({ name }) => name === wanted.hostname);
  const names = workloads.map(({ name }) => name).join(', ');
  if (workload === undefined) throw new Error(`from outside a workload is called by its own name; there are ${names}`);
  const path = `${wanted.pathname}${wanted.search}`;
  return { address: workload.address, port: Number(wanted.port || 80), host: wanted.host, path, preface: '' };
};

const vipOf = (host: string, namespace: string, vips: Readonly<Record<string, string>>): string => {
  if (/^\d+(\.\d+){3}$/.test(host)) return host;
  const name = [host, `${host}.${namespace}.svc.cluster.local`, `${host}.svc.cluster.local`, `${host}.cluster.local`].find((one) =>
    Object.hasOwn(vips, one),
  );
  if (name === undefined) throw new Error(`no service called ${host}; there are ${Object.keys(vips).join(', ')}`);
  return vips[name] ?? '';
};

const open = ({ address, port, preface }: Dial): Socket => {
  const socket = connect({ host: address, port, noDelay: true });
  if (preface !== '') socket.write(preface);
  return socket;
};

/** Never rejects: what went wrong is in the answer. The body is cut at 1 MiB. */
export const answerOf = (
  dial: Dial,
  {
    method,
    headers,
    body,
  }: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string | undefined },
): Promise<Answer> =>
  new Promise((resolve) => {
    const startedAt = performance.now();
    const settle = (answer: Partial<Answer>): void =>
      resolve({ status: 0, headers: {}, body: '', error: '', ...answer, durationMs: Math.round(performance.now() - startedAt) });
    const sent = request({
      createConnection: () => open(dial),
      method,
      path: dial.path,
      headers: { host: dial.host, 'user-agent': 'dinghy-send', connection: 'close', ...lengthOf(body), ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    sent.on('error', (error) => settle({ error: error.message }));
    sent.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (body.length < MAX_BODY_BYTES) body += text;
      });
      response.on('error', (error) => settle({ error: error.message }));
      response.on('end', () => settle({ status: response.statusCode ?? 0, headers: plainHeaders(response.headers), body }));
    });
    sent.end(body);
  });

const lengthOf = (body: string | undefined): Record<string, string> =>
  body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(Buffer.byteLength(body)) };

const plainHeaders = (headers: NodeJS.Dict<string | string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]));
