/** YAML files → resources and complaints with line, column and field path. Hostile input is bounded; one bad document does not hide the others. */
import { type Document, isCollection, isMap, isPair, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import type { Problem } from '#api/resource.ts';
import { findKind, type KindRow } from './kinds.ts';
import type { Complaint, Locate } from './problem.ts';
import type { ActiveResource, InertResource, Metadata } from './resource.ts';
import { mapOf, nearest, str } from './shape.ts';

/** What reading gave. */
export interface Parsed {
  readonly resources: readonly (ActiveResource | InertResource)[];
  readonly problems: readonly Problem[];
}

const MAX_FILE_BYTES = 1_048_576;
const MAX_ALIASES = 100;
const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/** files: name to show in messages → YAML text. */
export const parseFiles = (files: Readonly<Record<string, string>>): Parsed => {
  const parsed = Object.entries(files).map(([file, text]) => parseFile(file, text));
  return { resources: parsed.flatMap((part) => part.resources), problems: parsed.flatMap((part) => part.problems) };
};

const parseFile = (file: string, text: string): Parsed => {
  if (text.length > MAX_FILE_BYTES)
    return { resources: [], problems: [problemAt(file, 1, 1, `file is larger than ${MAX_FILE_BYTES} bytes`)] };
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, merge: false });
  if (!Array.isArray(documents)) return { resources: [], problems: [] };
  const parsed = documents.map((document) => parseDocument({ file, text, lines, document }));
  return { resources: parsed.flatMap((part) => part.resources), problems: parsed.flatMap((part) => part.problems) };
};

interface Reading {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  readonly document: Document.Parsed;
}

const problemAt = (file: string, line: number, column: number, message: string): Problem => ({
  severity: 'error',
  code: 'IST0106',
  resource: '',
  path: '',
  message,
  file,
  line,
  column,
});

const parseDocument = (reading: Reading): Parsed => {
  const { file, lines, document } = reading;
  const broken = document.errors[0];
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0]);
    return {
      resources: [],
      problems: [problemAt(file, line, col, broken.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? 'not YAML')],
    };
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return { resources: [], problems: [] };
  const start = startOf(reading);
  if (!isMap(document.contents))
    return {
      resources: [],
      problems: [problemAt(file, start, 1, 'a document must be a mapping with apiVersion, kind, metadata and spec')],
    };
  const value = toValue(document);
  if (value === undefined) return { resources: [], problems: [problemAt(file, start, 1, 'too many YAML aliases')] };
  if (value.kind === 'List' && Array.isArray(value.items)) {
    return {
      resources: [],
      problems: [problemAt(file, start, 1, 'kind List is not supported; write its items as documents separated by ---')],
    };
  }
  return readResource(reading, value);
};

/** Plain data; undefined for a document whose aliases would unfold into too much (the library counts as it goes). */
const toValue = (document: Document.Parsed): Record<string, unknown> | undefined => {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
};

const startOf = ({ lines, document }: Reading): number =>
  lines.linePos(isCollection(document.contents) ? (document.contents.range?.[0] ?? 0) : document.range[0]).line;

const readResource = (reading: Reading, value: Record<string, unknown>): Parsed => {
  const complaints: Complaint[] = [];
  const complain = (path: string, message: string, key?: 'key') =>
    complaints.push({ severity: 'error', code: 'IST0106', path: path.replace(/^\./, ''), message, atKey: key === 'key' });
  for (const key of Object.keys(value))
    if (!TOP_FIELDS.includes(key) && typeof value.apiVersion === 'string' && value.apiVersion.includes('istio.io'))
      complain(key, `unknown field "${key}"`, 'key');
  const apiVersion = str.read(value.apiVersion, 'apiVersion', complain);
  const kind = str.read(value.kind, 'kind', complain);
  const metadata = readMetadata(value.metadata, complain);
  const row = apiVersion !== undefined && kind !== undefined ? findKind(apiVersion, kind) : undefined;
  if (apiVersion !== undefined && kind !== undefined && row === undefined) complain('apiVersion', unknownKind(apiVersion, kind));
  const spec = row === 'inert' || row === undefined ? value.spec : readSpec(row, value.spec, complaints, complain);
  if (row === 'inert')
    complaints.push({ severity: 'info', path: 'kind', message: `${kind} is kept, but this mesh does not act on it yet` });
  const name = metadata === undefined ? '' : `${kind ?? ''} ${metadata.namespace}/${metadata.name}`;
  const problems = complaints.map((complaint) => locateComplaint(reading, name, complaint));
  if (problems.some((problem) => problem.severity === 'error') || metadata === undefined || row === undefined)
    return { resources: [], problems };
  const common = {
    kind,
    apiVersion,
    metadata,
    spec,
    origin: { file: reading.file, line: startOf(reading) },
    yaml: sourceOf(reading),
    locate: locator(reading),
  };
  return { resources: [(row === 'inert' ? { ...common, inert: true } : common) as ActiveResource | InertResource], problems };
};

const readSpec = (
  row: KindRow,
  value: unknown,
  complaints: Complaint[],
  complain: (path: string, message: string, key?: 'key') => void,
): unknown => {
  if (value === undefined || value === null) {
    complain('spec', 'spec is required');
    return undefined;
  }
  const spec = row.shape.read(value, 'spec', complain);
  if (spec !== undefined && complaints.length === 0) complaints.push(...row.validate(spec as never));
  return spec;
};

const DNS_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;

const readMetadata = (value: unknown, complain: (path: string, message: string) => void): Metadata | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    complain('metadata', 'metadata with a name is required');
    return undefined;
  }
  const raw = value as Record<string, unknown>;
  const name = str.read(raw.name, 'metadata.name', complain);
  const namespace =
    raw.namespace === undefined || raw.namespace === null ? 'default' : str.read(raw.namespace, 'metadata.namespace', complain);
  const labels = raw.labels === undefined || raw.labels === null ? {} : mapOf(str).read(raw.labels, 'metadata.labels', complain);
  const annotations =
    raw.annotations === undefined || raw.annotations === null ? {} : mapOf(str).read(raw.annotations, 'metadata.annotations', complain);
  if (name !== undefined && !DNS_NAME.test(name))
    complain('metadata.name', `"${name.slice(0, 80)}" is not a valid name: lower-case letters, digits, "-" and "."`);
  if (name === undefined || namespace === undefined || labels === undefined || annotations === undefined) return undefined;
  return { name, namespace, labels, annotations };
};

const unknownKind = (apiVersion: string, kind: string): string => {
  const near = nearest(kind, ['VirtualService', 'DestinationRule', 'Gateway', 'ServiceEntry', 'WorkloadEntry', 'Service']);
  return `no kind "${kind}" in "${apiVersion}"${near !== undefined && near !== kind ? `; did you mean "${near}"?` : ''}`;
};

const locateComplaint = (reading: Reading, resource: string, complaint: Complaint): Problem => {
  const { line, column } = locator(reading)(complaint.path, complaint.atKey === true);
  return {
    severity: complaint.severity,
    code: complaint.code ?? '',
    resource,
    path: complaint.path,
    message: complaint.message,
    file: reading.file,
    line,
    column,
  };
};

/** Follows a field path through the YAML nodes, as far as it exists. */
const locator =
  ({ lines, document }: Reading): Locate =>
  (path, atKey) => {
    let node: unknown = document.contents;
    let offset = isCollection(node) ? (node.range?.[0] ?? 0) : 0;
    for (const step of path.matchAll(/[^.[\]]+/g)) {
      const next = stepInto(node, step[0], atKey);
      if (next === undefined) break;
      node = next.node;
      offset = next.offset;
    }
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };

const stepInto = (node: unknown, step: string, atKey: boolean): { node: unknown; offset: number } | undefined => {
  if (!isCollection(node)) return undefined;
  const found = node.items.find((item, index) =>
    isPair(item) ? isScalar(item.key) && String(item.key.value) === step : index === Number(step),
  );
  if (found === undefined) return undefined;
  if (!isPair(found)) return { node: found, offset: rangeStart(found) ?? 0 };
  const value = atKey ? undefined : rangeStart(found.value);
  return { node: found.value, offset: value ?? rangeStart(found.key) ?? 0 };
};

const rangeStart = (node: unknown): number | undefined => (isScalar(node) || isCollection(node) ? node.range?.[0] : undefined);

const sourceOf = ({ text, document }: Reading): string =>
  text
    .slice(document.range[0], document.range[2])
    .replace(/^---[^\n]*\n/, '')
    .trim();
