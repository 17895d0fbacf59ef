/** YAML files → resources and complaints with line, column and field path. One bad document does not hide the others. */

import { stringify } from 'yaml';
import type { Problem } from '#api/resource.ts';
import { findKind, type KindRow, MESH_SETTINGS } from './kinds.ts';
import { readMeshConfigMap, SETTINGS_PATH } from './mesh/config-map.ts';
import { readMetadata } from './metadata.ts';
import { complainOfNotApplied } from './not-applied.ts';
import type { Complaint } from './problem.ts';
import { type ActiveResource, type InertResource, type Metadata, titleOf } from './resource.ts';
import { type Complain, nearest, str } from './shape.ts';
import { readSource, type SourceDocument } from './yaml-source.ts';

/** What reading gave. */
export interface Parsed {
  readonly resources: readonly (ActiveResource | InertResource)[];
  readonly problems: readonly Problem[];
}

/** More complaints than anybody reads; the rest is counted. */
const MAX_PROBLEMS = 200;

/** files: name to show in messages → YAML text. */
export const parseFiles = (files: Readonly<Record<string, string>>): Parsed => {
  const parsed = Object.entries(files).map(([file, text]) => parseFile(file, text));
  return { resources: parsed.flatMap((part) => part.resources), problems: parsed.flatMap((part) => part.problems) };
};

const parseFile = (file: string, text: string): Parsed => {
  const { documents, faults } = readSource(text);
  const unread = faults.map((fault): Problem => ({ severity: 'error', code: 'IST0106', resource: '', path: '', file, ...fault }));
  const parsed = documents.flatMap(itemsOf).map((document) => readSettings(file, document) ?? readResource(file, document));
  const problems = [...unread, ...parsed.flatMap((part) => part.problems)].sort((a, b) => a.line - b.line || a.column - b.column);
  return { resources: parsed.flatMap((part) => part.resources), problems: capped(problems) };
};

const capped = (problems: readonly Problem[]): readonly Problem[] => {
  const last = problems[MAX_PROBLEMS];
  if (last === undefined) return problems;
  const errorsFirst = [...problems].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
  const more: Problem = {
    ...last,
    severity: 'info',
    code: '',
    resource: '',
    path: '',
    message: `and ${problems.length - MAX_PROBLEMS} more problems`,
  };
  return [...errorsFirst.slice(0, MAX_PROBLEMS), more];
};

/** What `kubectl get -o yaml` writes for several is one document: its items, each with its own place in the file. */
const itemsOf = (document: SourceDocument): SourceDocument[] => {
  const { apiVersion, kind, items } = document.value;
  if (apiVersion !== 'v1' || kind !== 'List' || !Array.isArray(items)) return [document];
  return items.map((value: unknown, index): SourceDocument => {
    const at = `items[${index}]`;
    return {
      value: isMapping(value) ? value : {},
      start: document.locate(at, false),
      text: stringify(value),
      locate: (path, atKey) => document.locate(path === '' ? at : `${at}.${path}`, atKey),
    };
  });
};

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/** Settings of the mesh are checked as if they were a spec, and shown where they stand. */
const readSettings = (file: string, document: SourceDocument): Parsed | undefined => {
  const settings = readMeshConfigMap(document);
  if (settings === undefined) return undefined;
  const { data: _, binaryData: __, immutable: ___, ...value } = document.value;
  const inner = { ...document, locate: settings.locate, value: { ...value, spec: settings.value } };
  const { resources, problems } = readResource(file, inner, MESH_SETTINGS);
  const resource = resources[0] ? titleOf(resources[0]) : '';
  const faults = settings.faults.map(
    (fault): Problem => ({ severity: 'error', code: 'IST0106', resource, path: SETTINGS_PATH, file, ...fault }),
  );
  const shown = problems.map((problem) => ({ ...problem, path: problem.path.replace(/^spec\b/, SETTINGS_PATH) }));
  return { resources: faults.length > 0 ? [] : resources, problems: [...faults, ...shown] };
};

const readResource = (file: string, document: SourceDocument, known?: KindRow): Parsed => {
  const { value } = document;
  const complaints: Complaint[] = [];
  const complain: Complain = (path, message, key) =>
    void complaints.push({ severity: 'error', code: 'IST0106', path: path.replace(/^\./, ''), message, atKey: key === 'key' });
  const apiVersion = readWord(value.apiVersion, 'apiVersion', complain);
  const kind = readWord(value.kind, 'kind', complain);
  const treatment = apiVersion === undefined || kind === undefined ? undefined : (known ?? findKind(apiVersion, kind));
  if (treatment === 'install') {
    const complaint = {
      severity: 'warning',
      path: 'kind',
      message: `${kind} is for istioctl install: there is nothing to install here`,
    } as const;
    return { resources: [], problems: [toProblem(file, document, { complaint, resource: '' })] };
  }
  const metadata = readMetadata(value.metadata, complain);
  let spec = value.spec;
  if (typeof treatment === 'object' && 'refusal' in treatment) complain('kind', treatment.refusal);
  else if (typeof treatment === 'object') {
    checkTopFields(value, complain);
    spec = readSpec(treatment, value.spec, complaints);
  } else if (treatment !== undefined) complaints.push(inertNote(treatment, kind ?? ''));
  const problems = complaints.map((complaint) => toProblem(file, document, { complaint, resource: resourceName(kind, metadata) }));
  if (kind === undefined || apiVersion === undefined || metadata === undefined || treatment === undefined || hasError(complaints))
    return { resources: [], problems };
  const common = {
    kind,
    apiVersion,
    metadata,
    spec,
    origin: { file, line: document.start.line },
    yaml: document.text,
    locate: document.locate,
  };
  return { resources: [(typeof treatment === 'string' ? { ...common, inert: true } : common) as ActiveResource | InertResource], problems };
};

/** `apiVersion` or `kind`. */
const readWord = (value: unknown, path: string, complain: Complain): string | undefined => {
  if (value !== undefined && value !== null) return str.read(value, path, complain);
  complain(path, `${path} is required`);
  return undefined;
};

const hasError = (complaints: readonly Complaint[]): boolean => complaints.some(({ severity }) => severity === 'error');

const resourceName = (kind: string | undefined, metadata: Metadata | undefined): string =>
  metadata === undefined ? '' : `${kind ?? ''} ${metadata.namespace}/${metadata.name}`.trim();

const checkTopFields = (value: Readonly<Record<string, unknown>>, complain: Complain): void => {
  for (const key of Object.keys(value)) {
    if (TOP_FIELDS.includes(key)) continue;
    const near = nearest(key, TOP_FIELDS);
    complain(key, `unknown field "${key}"${near === undefined ? '' : `; did you mean "${near}"?`}`, 'key');
  }
};

const inertNote = (treatment: 'later' | 'kubernetes' | 'stranger', kind: string): Complaint => {
  if (treatment === 'later') return { severity: 'warning', path: 'kind', message: `${kind} is accepted, but not applied by this mesh yet` };
  return treatment === 'kubernetes'
    ? { severity: 'info', path: 'kind', message: `${kind} is kept, but changes nothing here: programs are run by the environment` }
    : { severity: 'warning', path: 'apiVersion', message: `${kind} is kept, but nothing here knows this kind` };
};

/** Shape first, then the rules of the kind; a rule that only repeats what the shape already said about that field stays silent. */
const readSpec = (row: KindRow, value: unknown, complaints: Complaint[]): unknown => {
  if (value === undefined || value === null) {
    complaints.push({ severity: 'error', code: 'IST0106', path: 'spec', message: 'spec is required' });
    return undefined;
  }
  const ofShape: Complaint[] = [];
  const spec = row.shape.read(value, 'spec', (path, message, key) => {
    ofShape.push({ severity: 'error', code: 'IST0106', path, message, atKey: key === 'key' });
  });
  const known = ofShape.map(({ path }) => path);
  const broken = spec === undefined ? [] : row.validate(spec as never);
  const unused =
    spec === undefined ? [] : complainOfNotApplied(row.kind, spec).filter(({ path }) => !broken.some((one) => one.path === path));
  const ofRules = [...broken, ...unused];
  complaints.push(...ofShape, ...ofRules.filter(({ path }) => !known.some((other) => within(other, path) || within(path, other))));
  return spec;
};

const within = (inner: string, outer: string): boolean =>
  inner.startsWith(outer) && (inner.length === outer.length || '.['.includes(inner.charAt(outer.length)));

interface Said {
  readonly complaint: Complaint;
  readonly resource: string;
}

const toProblem = (file: string, { locate }: SourceDocument, { complaint, resource }: Said): Problem => ({
  severity: complaint.severity,
  code: complaint.code ?? '',
  resource,
  path: complaint.path,
  message: complaint.message,
  file,
  ...locate(complaint.path, complaint.atKey === true),
});
