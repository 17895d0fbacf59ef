/** YAML text → documents as plain data that can say where each field stands. Hostile input is bounded: size, depth, aliases, tags. */
import { type Document, isAlias, isCollection, isMap, isPair, isScalar, Lexer, LineCounter, parseAllDocuments, visit } from 'yaml';
import { camelCase } from './shape.ts';

/** Where something stands in its file; 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A document whose root is a mapping. */
export interface SourceDocument {
  readonly value: Readonly<Record<string, unknown>>;
  readonly start: Position;
  /** As it was written, comments and all. */
  readonly text: string;
  /** Follows a field path as far as it exists; atKey: the field's name instead of its value. */
  readonly locate: (path: string, atKey: boolean) => Position;
}

/** What keeps a document, or a whole file, from being read. */
export interface SourceFault extends Position {
  readonly message: string;
}

/** What a file holds, in order. */
export interface Source {
  readonly documents: readonly SourceDocument[];
  readonly faults: readonly SourceFault[];
}

const MAX_FILE_BYTES = 1_048_576;
const MAX_DOCUMENTS = 1_000;
const MAX_DEPTH = 100;
const MAX_ALIASES = 100;

/** What decoders put where bytes are no UTF-8; nobody writes it on purpose. */
const REPLACEMENT = '\uFFFD';

const plainPosition = (text: string, offset: number): Position => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
};

/** Never throws: what cannot be read becomes a fault, and does not hide the other documents. */
export const readSource = (text: string): Source => {
  const refused = refusalOf(text);
  if (refused !== undefined) return { documents: [], faults: [{ line: 1, column: 1, message: refused }] };
  const odd = text.indexOf(REPLACEMENT);
  if (odd !== -1) return { documents: [], faults: [{ ...plainPosition(text, odd), message: 'not UTF-8: save the file in that encoding' }] };
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, merge: true, resolveKnownTags: false });
  const documents: SourceDocument[] = [];
  const faults: SourceFault[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    if (isEmpty(document) && document.errors.length === 0) continue;
    const found = faultsOf(document, lines);
    if (found.length > 0) faults.push(...found);
    else documents.push(toSource(document, text, lines));
  }
  return { documents, faults };
};

/** The cheap checks that go before the parser, which recurses into what is nested. */
const refusalOf = (text: string): string | undefined => {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return `file is larger than ${MAX_FILE_BYTES} bytes; split it into several`;
  let depth = 0;
  let documents = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    else if (token === '---') documents++;
    if (depth > MAX_DEPTH) return `nested deeper than ${MAX_DEPTH} levels`;
    if (documents > MAX_DOCUMENTS) return `more than ${MAX_DOCUMENTS} documents`;
  }
  return undefined;
};

const isEmpty = ({ contents }: Document.Parsed): boolean => contents === null || (isScalar(contents) && contents.value === null);

const faultsOf = (document: Document.Parsed, lines: LineCounter): SourceFault[] => {
  const at = (offset: number, message: string): SourceFault => ({ ...positionOf(lines, offset), message });
  const said = [...document.errors, ...document.warnings].map(({ pos, message }) =>
    at(pos[0], message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'not YAML'),
  );
  if (said.length > 0) return said;
  if (!isMap(document.contents)) return [at(startOf(document), 'a document must be a mapping with apiVersion, kind, metadata and spec')];
  const odd = oddNode(document);
  if (odd) return [at(odd.offset, odd.message)];
  try {
    document.toJS({ maxAliasCount: MAX_ALIASES });
    return [];
  } catch (error) {
    // The library counts as it unfolds aliases, and gives up before memory does.
    if (error instanceof ReferenceError) return [at(startOf(document), 'too many YAML aliases')];
    throw error;
  }
};

/** The first node that plain data cannot hold: a key that is no text, an alias into its own parent, too deep a block. */
const oddNode = (document: Document.Parsed): { offset: number; message: string } | undefined => {
  let odd: { offset: number; message: string } | undefined;
  visit(document, (_, node, path) => {
    const offset = rangeStart(node) ?? startOf(document);
    if (path.length > 2 * MAX_DEPTH) odd = { offset, message: `nested deeper than ${MAX_DEPTH} levels` };
    else if (isPair(node) && !isScalar(node.key)) odd = { offset: rangeStart(node.key) ?? offset, message: 'a key must be text' };
    else if (isAlias(node) && node.resolve(document) === undefined)
      odd = { offset: node.range?.[0] ?? offset, message: `there is no &${node.source} for the alias *${node.source}` };
    else if (isAlias(node) && path.some((ancestor) => ancestor === node.resolve(document)))
      odd = { offset: node.range?.[0] ?? offset, message: `alias *${node.source} stands inside what it stands for` };
    return odd ? visit.BREAK : undefined;
  });
  return odd;
};

const toSource = (document: Document.Parsed, text: string, lines: LineCounter): SourceDocument => ({
  value: document.toJS({ maxAliasCount: MAX_ALIASES }) as Record<string, unknown>,
  start: positionOf(lines, startOf(document)),
  text: text
    .slice(document.range[0], document.range[2])
    .replace(/^---[^\n]*\n/, '')
    .trim(),
  locate: (path, atKey) => positionOf(lines, offsetOf(document, path, atKey)),
});

const positionOf = (lines: LineCounter, offset: number): Position => {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
};

const startOf = ({ contents, range }: Document.Parsed): number => (isCollection(contents) ? contents.range?.[0] : undefined) ?? range[0];

const offsetOf = (document: Document.Parsed, path: string, atKey: boolean): number => {
  let node: unknown = document.contents;
  let offset = startOf(document);
  for (let rest = path; rest !== ''; ) {
    const step = stepInto(node, rest, document);
    if (step === undefined) break;
    node = step.node;
    rest = step.rest;
    const value = atKey && rest === '' ? undefined : rangeStart(node);
    offset = value ?? step.keyOffset ?? offset;
  }
  return offset;
};

interface Step {
  readonly node: unknown;
  readonly rest: string;
  readonly keyOffset: number | undefined;
}

/** Keys may hold dots and brackets themselves (labels do): the longest key that the path begins with. */
const stepInto = (from: unknown, path: string, document: Document.Parsed): Step | undefined => {
  const node = isAlias(from) ? from.resolve(document) : from;
  if (!isCollection(node)) return undefined;
  if (!isMap(node)) {
    const [whole = '', index] = /^\[(\d+)\]\.?/.exec(path) ?? [];
    const item = index === undefined ? undefined : node.items[Number(index)];
    return item === undefined ? undefined : { node: item, rest: path.slice(whole.length), keyOffset: rangeStart(item) };
  }
  const fitting = node.items
    .map((pair) => ({ pair, key: isScalar(pair.key) ? String(pair.key.value) : '' }))
    .flatMap(({ pair, key }) => [key, camelCase(key)].filter((name) => beginsWith(path, name)).map((name) => ({ pair, name })))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (fitting === undefined) return undefined;
  return { node: fitting.pair.value, rest: path.slice(fitting.name.length).replace(/^\./, ''), keyOffset: rangeStart(fitting.pair.key) };
};

const beginsWith = (path: string, name: string): boolean =>
  name !== '' && path.startsWith(name) && ['', '.', '['].includes(path.charAt(name.length));

const rangeStart = (node: unknown): number | undefined =>
  isScalar(node) || isCollection(node) || isAlias(node) ? node.range?.[0] : undefined;
