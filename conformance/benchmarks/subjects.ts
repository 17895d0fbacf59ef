/** Who is measured: programs that proxy one port to another. Ours and Envoy get the very same file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findDataPlane } from '#environment';
import { onCore, PROXY_CORE } from './placement.ts';
import { ROUTER_YAML, type RoutePolicies } from './sidecar-bootstrap.ts';

/** Where a subject listens, whom it calls, and where it may write. */
export interface Place {
  readonly listen: number;
  readonly admin: number;
  readonly upstream: number;
  /** Two more ports, for who needs another proxy. */
  readonly spare: readonly [number, number];
  readonly folder: string;
}

/** A way through one proxy or more that can be started. */
export interface Subject {
  readonly name: string;
  /** Absent program: the sentence that says so. */
  readonly missing?: string;
  /** Its processes; the first one listens. */
  start(place: Place): readonly ChildProcess[];
}

/** Starts one proxy of a kind with a bootstrap. */
export type StartProxy = (bootstrapFile: string) => ChildProcess;

const ROOT = join(import.meta.dirname, '../..');

const inPath = (program: string): string | undefined =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));

const run = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
  spawn(...onCore(PROXY_CORE, program, args), { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });

/** Writes a file into the subject's folder; gives its path. */
export const written = (place: Pick<Place, 'folder'>, name: string, text: string): string => {
  const path = join(place.folder, name);
  writeFileSync(path, text);
  return path;
};

/** As a mesh starts its sidecars. */
export const startDinghy: StartProxy = (bootstrapFile) => {
  const { command, args, env } = findDataPlane('dinghy');
  return run(command, args(bootstrapFile), env);
};

/** binary: its path. */
export const startEnvoy =
  (binary: string): StartProxy =>
  (bootstrapFile) =>
    run(binary, ['-c', bootstrapFile, '--concurrency', '1', '--disable-hot-restart', '-l', 'error']);

/** policies: what its route asks for beyond being forwarded. */
export const sidecar = (name: string, start: StartProxy, policies?: RoutePolicies): Subject => ({
  name,
  start: (place) => [start(written(place, 'bootstrap.yaml', ROUTER_YAML({ ...place, ...(policies && { policies }) })))],
});

/** envoy: path of its binary; undefined when it was not fetched. */
export const optionalEnvoy = (envoy: string | undefined, subject: (start: StartProxy) => Subject): Subject =>
  envoy === undefined ? { name: 'envoy', missing: 'envoy is not on this machine', start: () => [] } : subject(startEnvoy(envoy));

const optional = (name: string, program: string | undefined, args: (place: Place) => readonly string[]): Subject => ({
  name,
  ...(program === undefined && { missing: `${name} is not on this machine` }),
  start: (place) => [run(program ?? name, args(place))],
});

const haproxyConfig = ({ listen, upstream }: Place): string => `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:${listen}
  default_backend out
backend out
  http-reuse always
  server app 127.0.0.1:${upstream}
`;

const nginxConfig = ({ listen, upstream, folder }: Place): string => `worker_processes 1;
master_process off;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000;
  upstream app { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000; }
  server { listen 127.0.0.1:${listen}; location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://app; } }
}
`;

/** envoy: path of its binary; undefined when it was not fetched. */
export const subjects = (envoy: string | undefined): readonly Subject[] => [
  sidecar('dinghy', startDinghy),
  optionalEnvoy(envoy, (start) => sidecar('envoy', start)),
  optional('haproxy', inPath('haproxy'), (place) => ['-f', written(place, 'haproxy.cfg', haproxyConfig(place))]),
  optional('nginx', inPath('nginx'), (place) => ['-c', written(place, 'nginx.conf', nginxConfig(place))]),
];

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** Settles when the subject accepts connections. Rejects when it ended or took longer than ten seconds. */
export const listening = async (child: ChildProcess, port: number): Promise<void> => {
  for (let tries = 0; tries < 5_000; tries++) {
    if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode} before it listened`);
    if (await answers(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`does not listen on ${port}`);
};
