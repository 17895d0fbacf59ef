/** `dinghy send`: requests as a program of the mesh would send them, through a workload's sidecar, or from outside through the gateway. */
import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { type OutputOption, outputOption, show, table } from '../output.ts';
import { type Passed, passedBy } from '../passed.ts';
import { type MeshOption, readJson, runningMesh } from '../running-mesh.ts';
import { type Answer, answerOf, type Dial, dialOf, OUTSIDE } from '../sending.ts';

interface SendOptions extends MeshOption, OutputOption {
  readonly from?: string;
  readonly method?: string;
  readonly header?: readonly string[];
  readonly data?: string;
  readonly count: number;
}

const MAX_COUNT = 10_000;

const readCount = (text: string): number => {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > MAX_COUNT) throw new InvalidArgumentError(`It is a whole number from 1 to ${MAX_COUNT}.`);
  return count;
};

/** Registers the verb. */
export const addSend = (program: Command): void => {
  program
    .command('send')
    .description('send requests inside the mesh, or through the gateway; exit code 1 when one fails or is answered with 5xx')
    .argument('<url>', 'http://reviews:9080/reviews/0; a path is enough for the gateway')
    .option(
      '--from <workload>',
      `whose sidecar takes them; "${OUTSIDE}": no sidecar, straight to the workload that the URL names; the ingress gateway when absent`,
    )
    .option('-X, --method <method>', 'method; GET, or POST with --data')
    .option('-H, --header <line>', 'header, as "name: value"; may be given again', (line: string, lines: string[] = []) => [...lines, line])
    .option('-d, --data <text>', 'body of the request')
    .option('-n, --count <count>', 'how many, one after another', readCount, 1)
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(send);
};

const send = async (url: string, options: SendOptions): Promise<void> => {
  const run = runningMesh(options);
  const vips = options.from === undefined ? {} : await readJson<Readonly<Record<string, string>>>(`${run.controlPlane.url}/debug/vips`);
  const dial = dialOf(run, { from: options.from, url, vips });
  const requestId = randomUUID();
  const headers = { 'x-request-id': requestId, ...readHeaders(options.header ?? []) };
  const order = { method: options.method ?? (options.data === undefined ? 'GET' : 'POST'), headers, body: options.data };
  const answers: Answer[] = [];
  for (let sent = 0; sent < options.count; sent++) answers.push(await answerOf(dial, order));
  const passed = options.count === 1 ? await passedBy(run, headers['x-request-id']) : [];
  await show(options, answers, () =>
    answers.length === 1 ? oneAnswer(dial, answers, { passed, requestId: headers['x-request-id'] }) : summary(answers),
  );
  if (answers.some(({ status }) => status === 0 || status >= 500)) process.exitCode = 1;
};

const readHeaders = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`-H ${JSON.stringify(line)} is not "name: value"`);
      return [name.toLowerCase(), value];
    }),
  );

const oneAnswer = (
  { host }: Dial,
  [answer]: readonly Answer[],
  { passed, requestId }: { readonly passed: readonly Passed[]; readonly requestId: string },
): string => {
  if (answer === undefined || answer.status === 0)
    return `${host}: ${answer?.error ?? 'no answer'}; "dinghy why" lists what the mesh refused`;
  const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
  const ways = passed.map(({ from, to, status }) => `passed ${from} -> ${to}: ${status}`);
  // Where nobody knows the id, a gateway gave the request another one.
  const why = [401, 403].includes(answer.status) ? [`"dinghy why${passed.length > 0 ? ` ${requestId}` : ''}" says why`] : [];
  return [`${answer.status} after ${answer.durationMs} ms`, ...ways, ...why, ...headers, '', answer.body].join('\n');
};

const summary = (answers: readonly Answer[]): string => {
  const counts = new Map<string, number>();
  for (const { status, error } of answers)
    counts.set(status === 0 ? error : String(status), (counts.get(status === 0 ? error : String(status)) ?? 0) + 1);
  const times = answers.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const rows = [...counts].map(([status, count]) => [status, String(count)]);
  return `${table(['STATUS', 'REQUESTS'], rows)}\nmedian ${times[Math.floor(times.length / 2)]} ms, slowest ${times.at(-1)} ms`;
};
