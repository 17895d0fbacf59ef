/** The ConfigMap that holds the mesh's settings: `istio` in `istio-system`, YAML in `data.mesh`. Source: istio pkg/config/mesh. Pure. */
import { MESH_SETTINGS } from '../kinds.ts';
import type { SourceDocument } from '../yaml-source.ts';
import { readSource, type SourceFault } from '../yaml-source.ts';

/** Its settings as a document of their own, placed where they stand in the outer one. */
export interface MeshConfigMap {
  readonly value: unknown;
  readonly faults: readonly SourceFault[];
  /** Knows `spec.…` as what is said in `data.mesh`. */
  readonly locate: SourceDocument['locate'];
}

/** Where complaints about settings are shown. */
export const SETTINGS_PATH = 'data.mesh';

/** Undefined for every other document. */
export const readMeshConfigMap = (document: SourceDocument): MeshConfigMap | undefined => {
  const { apiVersion, kind, metadata, data } = document.value;
  const about = metadata as { readonly name?: unknown; readonly namespace?: unknown } | undefined;
  if (!MESH_SETTINGS.apiVersions.includes(String(apiVersion)) || kind !== MESH_SETTINGS.kind) return undefined;
  if (about?.name !== 'istio' || about.namespace !== 'istio-system') return undefined;
  const text = (data as { readonly mesh?: unknown } | undefined)?.mesh;
  if (typeof text !== 'string') return { value: {}, faults: [], locate: document.locate };
  const outer = document.locate(SETTINGS_PATH, false);
  const shift = placeOf(document, text);
  const { documents, faults } = readSource(text);
  const inner = documents[0];
  return {
    value: inner?.value ?? {},
    faults: faults.map((fault) => ({ ...fault, ...shift(fault) })),
    locate: (path, atKey) => {
      const below = /^spec\.?(.*)$/.exec(path)?.[1];
      if (below === undefined) return document.locate(path, atKey);
      return below === '' || inner === undefined ? outer : shift(inner.locate(below, atKey));
    },
  };
};

/** Only of a block (`|`) can be said where its lines are; of text in quotes all is at its beginning. */
const placeOf = (document: SourceDocument, text: string) => {
  const outer = document.locate(SETTINGS_PATH, false);
  const lines = document.text.split('\n');
  const first = text.split('\n').findIndex((line) => line.trim() !== '');
  const at = lines[outer.line - document.start.line + 1 + first];
  const wanted = text.split('\n')[first];
  const indent =
    at !== undefined && wanted !== undefined && at.trim() !== '' && at.endsWith(wanted) ? at.length - wanted.length : undefined;
  return ({ line, column }: { readonly line: number; readonly column: number }) =>
    indent === undefined ? outer : { line: outer.line + line, column: column + indent };
};
