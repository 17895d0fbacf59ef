// Envoy's messages from the .proto files in @grpc/grpc-js-xds: buf → ts-proto sources → one bundle (proxy/api/envoy/gen, git-ignored).
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { fieldTable } from './field-table.mjs';

const out = 'proxy/api/envoy/gen';
const scratch = '.cache/proto';
const run = (command, ...args) => {
  const { status } = spawnSync(`node_modules/.bin/${command}`, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

const deps = join(dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json')), 'deps');
rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
mkdirSync(out, { recursive: true });
// The bundle is replaced at the end, so that what starts meanwhile still finds one.
for (const entry of readdirSync(out)) if (entry !== 'envoy.mjs') rmSync(join(out, entry), { recursive: true });
for (const [from, to] of [
  ['envoy-api', 'envoy-api'],
  ['xds', 'xds'],
  ['googleapis', 'googleapis'],
  ['protoc-gen-validate/validate', 'pgv/validate'],
]) {
  cpSync(join(deps, from), join(scratch, to), { recursive: true });
}
// The shipped validate.proto is older than the files that use it: one field is missing.
const validate = join(scratch, 'pgv/validate/validate.proto');
writeFileSync(
  validate,
  readFileSync(validate, 'utf8').replace(/message StringRules \{/, 'message StringRules {\n  optional bool ignore_empty = 26;'),
);

const roots = readFileSync('proxy/api/envoy/roots.txt', 'utf8').trim().split('\n');
const paths = [
  ...roots.map((root) => `${scratch}/envoy-api/${root}`),
  // Messages that no package ships, written here.
  'proxy/api/envoy/protos/istio/v1/auth/ca.proto',
].flatMap((path) => ['--path', path]);
run('buf', 'generate', '--template', 'proxy/api/envoy/buf.gen.yaml', '--config', 'proxy/api/envoy/buf.yaml', ...paths);
run('buf', 'build', '--config', 'proxy/api/envoy/buf.yaml', '--exclude-source-info', '-o', `${out}/envoy.binpb`, ...paths);

// google.protobuf.Any and Duration in their JSON forms: ours replace the generated ones.
const generated = readFileSync(`${out}/google/protobuf/duration.ts`, 'utf8');
const codecTypes = generated.slice(generated.indexOf('type Builtin'), generated.indexOf('function longToNumber'));
writeFileSync(
  `${out}/google/protobuf/message-fns.ts`,
  `import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';\n${codecTypes}\n${generated.slice(generated.indexOf('export interface MessageFns'))}`,
);
for (const file of ['any.ts', 'duration.ts']) writeFileSync(`${out}/google/protobuf/${file}`, `export * from '../../../wkt/${file}';\n`);

// Every message by its full name, for Any.
const files = readdirSync(out, { recursive: true })
  .filter((file) => file.endsWith('.ts') && !/any\.ts$|message-|descriptor|annotations|validate|expr/.test(file))
  .sort();
let imports = '';
let rows = '';
files.forEach((file, index) => {
  const text = readFileSync(`${out}/${file}`, 'utf8');
  const packageName = /protobufPackage = "(.*)"/.exec(text)?.[1] ?? 'google.protobuf';
  const names = [...text.matchAll(/^export const (\w+): (?:MessageFns|\w*MessageFns)</gm)].map((match) => match[1]);
  if (names.length === 0) return;
  imports += `import * as m${index} from '../../${file}';\n`;
  for (const name of names) rows += `  '${packageName}.${name.replaceAll('_', '.')}': m${index}.${name},\n`;
});
writeFileSync(
  `${out}/google/protobuf/message-types.ts`,
  `${imports}import type { MessageFns } from './message-fns.ts';\nlet table: Record<string, MessageFns<any>> | undefined;\n/** Message codecs by full protobuf name. */\nexport const messageTypes = (): Record<string, MessageFns<any>> => (table ??= {\n${rows}});\n`,
);

// What strict reading of JSON and Envoy's own validation need to know of the messages: a table, so that no proxy loads descriptors. As text in a
// function, so that nobody pays for it who does not ask.
const table = JSON.stringify(fieldTable(readFileSync(`${out}/envoy.binpb`)));
writeFileSync(`${out}/fields.ts`, `export const fieldTableJson = (): string => ${JSON.stringify(table)};\n`);

await build({
  entryPoints: ['proxy/api/envoy/index.ts'],
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'node26',
  outfile: `${out}/envoy.mjs`,
  external: ['@bufbuild/protobuf'],
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
});
