/** Every import edge against the table of doors (ARCHITECTURE.md) and the arrows inside proxy/ and controlplane/. */
import { expect, it } from 'vitest';
import { importsOf, productFiles, resolved, type SourceFile } from './source-files.fixture.ts';

const FRONT_DOORS = ['#proxy', '#controlplane', '#observability', '#environment', '#conformance', '#labs'];
const CONTRACT = ['#api/', '#system/', '#envoy'];

/** Doors that a folder may use; a trailing slash means everything behind it. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  proxy: CONTRACT,
  controlplane: CONTRACT,
  observability: CONTRACT,
  'sample-apps': [],
  environment: [...CONTRACT, ...FRONT_DOORS, '#ads-stream', '#echo'],
  labs: ['#environment', '#conformance'],
  conformance: [...CONTRACT, '#balancers/', '#environment', '#proxy', '#controlplane', '#labs'],
  'site/server': [...CONTRACT, ...FRONT_DOORS],
  // Chance and hashes are what balancers are given.
  'site/app': ['#api/', '#balancers/', '#system/random.ts', '#system/xxh64.ts', '#labs', '#told'],
  'site/content': ['#labs', '#conformance'],
  // The records' server stands beside the front door, which the browser's types go through.
  cli: [...CONTRACT, ...FRONT_DOORS, '#site', '#records'],
};

const FLOORS = ['api', 'system', 'http'];
const ROOMS = ['listener', 'tls', 'codec', 'routing', 'filters', 'router', 'upstream', 'telemetry'];
const floors = (room: string): string[] => [room, ...FLOORS];

/** Rooms of proxy/ and what each may import beside itself. `''` is the top: proxy.ts, bootstrap.ts, main.ts. */
const PROXY: Readonly<Record<string, readonly string[]>> = {
  api: ['api'],
  system: ['api', 'system'],
  http: floors('http'),
  ...Object.fromEntries(ROOMS.map((room) => [room, floors(room)])),
  listener: [...floors('listener'), 'tls', 'codec'],
  upstream: [...floors('upstream'), 'tls', 'codec'],
  config: [...FLOORS, ...ROOMS, 'config'],
  xds: [...FLOORS, 'config', 'xds'],
  admin: [...FLOORS, 'admin'],
};

/** The same of controlplane/. */
const CONTROL_PLANE: Readonly<Record<string, readonly string[]>> = {
  resources: ['resources'],
  store: ['resources', 'store'],
  analysis: ['resources', 'store', 'mesh', 'analysis'],
  registry: ['resources', 'registry'],
  mesh: ['resources', 'store', 'registry', 'mesh'],
  translate: ['resources', 'mesh', 'translate'],
  xds: ['mesh', 'translate', 'xds'],
  ca: ['ca'],
  jwks: ['jwks'],
  injection: ['injection'],
  explain: ['resources', 'mesh', 'translate', 'explain'],
  debug: ['resources', 'store', 'registry', 'mesh', 'translate', 'xds', 'debug'],
};

const topOf = (path: string): string => {
  const [first = '', second = ''] = path.split('/');
  return first === 'site' ? `${first}/${second}` : first;
};

const roomOf = (path: string): string => {
  const parts = path.split('/');
  return parts.length > 2 ? (parts[1] ?? '') : '';
};

const complaint = (file: SourceFile, specifier: string): string | undefined => {
  const top = topOf(file.path);
  if (specifier.startsWith('#')) {
    const allowed = (DOORS[top] ?? []).some((door) => specifier === door || (door.endsWith('/') && specifier.startsWith(door)));
    return allowed ? undefined : `${file.path} uses the door ${specifier}, which ${top} may not`;
  }
  if (!specifier.startsWith('.')) {
    return top === 'sample-apps' && specifier.startsWith('#') ? `${file.path} knows of the mesh` : undefined;
  }
  const target = resolved(file, specifier);
  if (topOf(target) !== top) return `${file.path} reaches into ${target} instead of a door`;
  const arrows = top === 'proxy' ? PROXY : top === 'controlplane' ? CONTROL_PLANE : undefined;
  const [from, to] = [roomOf(file.path), roomOf(target)];
  if (arrows === undefined || from === '' || from === to) return undefined;
  return arrows[from]?.includes(to) ? undefined : `${file.path} imports ${target}: no arrow from ${from} to ${to || 'the top'}`;
};

it('has no import that is not a door or an arrow of the plan', () => {
  const complaints = productFiles.flatMap((file) => importsOf(file).flatMap((specifier) => complaint(file, specifier) ?? []));
  expect(complaints).toEqual([]);
});
