/** Where the mesh's configuration is not what a step wants: the nearest cause when a check fails. */
import { parseAllDocuments } from 'yaml';
import type { Lab } from '../lab.ts';
import type { KeptResource } from './reset.ts';

/** A document that a step wants in force, and what brings it there. */
interface Wanted {
  readonly title: string;
  readonly document: unknown;
  /** The learner's file, or the start of the mesh when undefined. */
  readonly file: string | undefined;
  readonly cure: string;
}

/** Text of a value with its keys in order; the page also loads this file, so Node's own comparison is out of reach. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? '';

const isSame = (left: unknown, right: unknown): boolean => canonical(left) === canonical(right);

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(name) : undefined;

const titleOf = (document: unknown): string => {
  const metadata = fieldOf(document, 'metadata');
  return `${fieldOf(document, 'kind')} ${fieldOf(metadata, 'namespace') ?? 'default'}/${fieldOf(metadata, 'name')}`;
};

const documentsIn = (yaml: string): readonly unknown[] => parseAllDocuments(yaml).map((document): unknown => document.toJS());

const keptTitle = ({ kind, namespace, name }: KeptResource): string => `${kind} ${namespace}/${name}`;

/** Path of the first field in which they differ, with both values. */
const firstDifference = (wanted: unknown, found: unknown, path: string): string => {
  const children = (value: unknown): readonly string[] => (typeof value === 'object' && value !== null ? Object.keys(value) : []);
  const names = [...new Set([...children(wanted), ...children(found)])];
  const name = names.find((child) => !isSame(fieldOf(wanted, child), fieldOf(found, child)));
  const bothHaveParts = children(wanted).length > 0 && children(found).length > 0;
  if (!bothHaveParts || name === undefined) return `${path} is ${words(found)}, the step wants ${words(wanted)}`;
  const step = Array.isArray(wanted) || Array.isArray(found) ? `[${name}]` : `${path === '' ? '' : '.'}${name}`;
  return firstDifference(fieldOf(wanted, name), fieldOf(found, name), `${path}${step}`);
};

const words = (value: unknown): string => (value === undefined ? 'absent' : JSON.stringify(value).slice(0, 80));

/** What is in force when a learner has done everything up to that step. read: a file of the lab's folder. */
const wantedAt = async (lab: Lab, stepId: string, { initial, read }: LabWorld): Promise<ReadonlyMap<string, Wanted>> => {
  const atStart = initial.flatMap((kept): (readonly [string, Wanted])[] =>
    documentsIn(kept.yaml).map((document) => [
      keptTitle(kept),
      { title: keptTitle(kept), document, file: undefined, cure: '"Reset lab" brings it back' },
    ]),
  );
  const steps = lab.steps.slice(0, lab.steps.findIndex((step) => step.id === stepId) + 1);
  const applied = await Promise.all(
    steps.map(async (step, index) =>
      step.apply === undefined
        ? []
        : documentsIn(await read(step.apply)).map((document): readonly [string, Wanted] => [
            titleOf(document),
            { title: titleOf(document), document, file: step.apply, cure: `apply ${step.apply} (step ${index + 1})` },
          ]),
    ),
  );
  return new Map([...atStart, ...applied.flat()]);
};

/** What a step is compared with. */
export interface LabWorld {
  /** Resources at the start of the mesh. */
  readonly initial: readonly KeptResource[];
  /** Resources now. */
  readonly present: readonly KeptResource[];
  /** Text of a file in the lab's folder. */
  read(file: string): Promise<string>;
}

/** One sentence a difference, with what mends it; empty when the configuration is what the step wants. */
export const differences = async (lab: Lab, stepId: string, world: LabWorld): Promise<readonly string[]> => {
  const wanted = await wantedAt(lab, stepId, world);
  const present = new Map(world.present.map((kept) => [keptTitle(kept), kept]));
  const amiss = [...wanted.values()].flatMap(({ title, document, file, cure }) => {
    const found = present.get(title);
    if (found === undefined) return [`${title} is not there: ${cure}.`];
    const [now] = documentsIn(found.yaml);
    if (isSame(now, document)) return [];
    return [
      `${title} is not as ${file === undefined ? 'it was at the start' : `${file} has it`}: ${firstDifference(document, now, '')}. To mend it, ${cure}.`,
    ];
  });
  const extra = [...present.keys()]
    .filter((title) => !wanted.has(title))
    .map((title) => `${title} is there, and this step does not want it: "Reset lab" takes it away.`);
  return [...amiss, ...extra];
};
