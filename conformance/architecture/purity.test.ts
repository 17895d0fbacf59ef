/** The world comes in as a parameter: who may ask the machine, and who may not. */
import { expect, it } from 'vitest';
import { importsOf, productFiles, type SourceFile } from './source-files.fixture.ts';

/** Values in, values out: no machine, and also readable by a browser. */
const PURE = [
  /^proxy\/api\/[^/]+\.ts$/,
  /^proxy\/http\/(header-map|filter|response-flags|stream-error)\.ts$/,
  /^proxy\/routing\//,
  /^proxy\/upstream\/balancers\//,
  /^proxy\/listener\/filter-chain-match\.ts$/,
  /^proxy\/telemetry\/access-log-format\.ts$/,
  /^proxy\/router\/(backoff|retry-conditions)\.ts$/,
  /^controlplane\/(translate|mesh)\//,
  /^controlplane\/xds\/(delta|push-order|snapshot)\.ts$/,
];
const MACHINE = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bset(Timeout|Interval|Immediate)\(/;

const planes = productFiles.filter(({ path }) => /^(proxy|controlplane|observability)\//.test(path));
const isSystem = (path: string): boolean => path.startsWith('proxy/system/');
/** Programs: one to a process. proxy/agent.ts is the one beside an Envoy. */
const isProgram = (path: string): boolean => path.endsWith('/main.ts') || path === 'proxy/agent.ts';

const linesWith = (file: SourceFile, pattern: RegExp): string[] =>
  file.lines.flatMap((line, index) =>
    pattern.test(line.replace(/\/\/.*|^\s*\*.*/, '')) ? [`${file.path}:${index + 1} ${line.trim()}`] : [],
  );

it('keeps pure modules free of node:', () => {
  const pure = productFiles.filter(({ path }) => PURE.some((pattern) => pattern.test(path)));
  expect(pure.length).toBeGreaterThan(0);
  const impure = pure.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith('node:'))
      .map((name) => `${file.path} imports ${name}`),
  );
  expect(impure).toEqual([]);
});

it('lets nobody in the planes but system/ ask for time or chance', () => {
  expect(planes.filter(({ path }) => !isSystem(path)).flatMap((file) => linesWith(file, MACHINE))).toEqual([]);
});

it('lets only programs and system/ of the planes read process', () => {
  const others = planes.filter(({ path }) => !isProgram(path) && !isSystem(path));
  expect(others.flatMap((file) => linesWith(file, /\bprocess\.(env|argv|exit|on|stdout|stderr|cwd|pid)\b/))).toEqual([]);
});

it('opens sockets in the planes only in system/, gRPC and the HTTP APIs aside', () => {
  // Three of the proxy's rooms make one gRPC call each, on node:http2: ext_authz to its service, the certificate client to its authority, health checks to hosts.
  const allowed =
    /^(proxy\/system\/|proxy\/admin\/|proxy\/xds\/|proxy\/filters\/ext-authz\/grpc-call\.ts$|proxy\/tls\/signing-call\.ts$|proxy\/upstream\/health-checks\/grpc-transports\.ts$|controlplane\/(store|debug|xds|jwks)\/|controlplane\/ca\/signing-service\.ts|controlplane\/control-plane\.ts|observability\/)/;
  const reaching = planes
    .filter(({ path }) => !allowed.test(path) && !isProgram(path))
    .flatMap((file) =>
      importsOf(file)
        .filter((name) => /^node:(net|http|https|http2|tls|dns|dgram|child_process)/.test(name))
        .map((name) => `${file.path} imports ${name}`),
    );
  expect(reaching).toEqual([]);
});
