/** Runs one case on one mesh and says how it ended. There are no retries: the first answer counts. */
import type { ConformanceCase, ControlPlane, DataPlane, Driver, MeshUnderTest } from './define-case.ts';
import { Mismatch } from './expect.ts';
import type { CaseId } from './registry.ts';

/** A column of the matrix. */
export interface Cell {
  readonly driver: Driver;
  readonly dataPlane: DataPlane;
  readonly controlPlane: ControlPlane;
}

/** As reports name it: `process/envoy`, `process/envoy+istiod`. */
export const cellName = ({ driver, dataPlane, controlPlane }: Cell): string =>
  `${driver}/${dataPlane}${controlPlane === 'dinghy' ? '' : `+${controlPlane}`}`;

/** How one case ended in one cell. */
export interface Verdict {
  readonly id: CaseId;
  readonly claim: string;
  readonly source: string;
  readonly profile: 'core' | 'extended';
  readonly cell: Cell;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or the whole failure text; empty when it passed. */
  readonly text: string;
  readonly durationMs: number;
}

const LIMIT_MS = 30_000;

const within = async <T>(limitMs: number, what: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Mismatch(what, `an end within ${limitMs} ms`, 'none')), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Where a failure's evidence goes: keeps the files, and says where. */
export type KeepEvidence = (about: ConformanceCase, cell: Cell, files: Readonly<Record<string, string>>) => string;

/** A failure whose evidence is kept already. */
class Witnessed extends Error {
  readonly folder: string;

  constructor(cause: unknown, folder: string) {
    super(String(cause), { cause });
    this.folder = folder;
  }
}

/** Words of a failure, made from the case record alone, so that they cannot drift from it. */
export const failureText = (failed: ConformanceCase, cell: Cell, thrown: unknown): string => {
  const error = thrown instanceof Witnessed ? thrown.cause : thrown;
  const mismatch = error instanceof Mismatch ? error : new Mismatch('the case itself', 'to run to its end', String(error));
  const dataPlane = cell.dataPlane === 'dinghy' ? '' : ` --data-plane ${cell.dataPlane}`;
  const controlPlane = cell.controlPlane === 'dinghy' ? '' : ` --control-plane ${cell.controlPlane}`;
  return [
    `${failed.id} failed (${cellName(cell)})`,
    `  claim      ${failed.claim}`,
    `  source     ${failed.source}`,
    `  looked at  ${mismatch.what}`,
    `  expected   ${mismatch.expected}`,
    `  actual     ${mismatch.actual.slice(0, 2_000)}`,
    ...(thrown instanceof Witnessed ? [`  evidence   ${thrown.folder}`] : []),
    `  reproduce  npx dinghy conformance --id ${failed.id} --driver ${cell.driver}${dataPlane}${controlPlane}`,
  ].join('\n');
};

const cellOf = ({ driver, dataPlane, configuredBy }: MeshUnderTest): Cell => ({ driver, dataPlane, controlPlane: configuredBy });

const KUBERNETES_ONLY =
  /^kind: *(Secret|Namespace|HTTPRoute|GRPCRoute|TCPRoute|TLSRoute|ReferenceGrant|GatewayClass)\b|^apiVersion: *gateway\.networking\.k8s\.io/m;

/** The reference cell has no Kubernetes. */
const unreadByIstiod = (yaml: string): string | undefined => {
  const [found] = KUBERNETES_ONLY.exec(yaml) ?? [];
  return found === undefined ? undefined : `an istiod without Kubernetes does not read ${found.replace(/^\w+: */, '')}`;
};

const driverReason = ({ drivers = [], because }: ConformanceCase): string =>
  `runs with the driver ${drivers.join(', ')} only${because === undefined ? '' : `: ${because}`}`;

const skipReason = (candidate: ConformanceCase, cell: Cell): string | undefined => {
  if (candidate.drivers && !candidate.drivers.includes(cell.driver)) return driverReason(candidate);
  if (candidate.dataPlanes && !candidate.dataPlanes.includes(cell.dataPlane)) {
    return `is about the data plane ${candidate.dataPlanes.join(', ')} only`;
  }
  if (candidate.controlPlanes && !candidate.controlPlanes.includes(cell.controlPlane))
    return `is about the control plane ${candidate.controlPlanes.join(', ')} only`;
  return cell.controlPlane === 'istiod' ? unreadByIstiod(candidate.apply) : undefined;
};

const verdictOf = (about: ConformanceCase, cell: Cell, end: Pick<Verdict, 'outcome' | 'text' | 'durationMs'>): Verdict => ({
  id: about.id,
  claim: about.claim,
  source: about.source,
  profile: about.profile,
  cell,
  ...end,
});

const judged = async (about: ConformanceCase, cell: Cell, work: () => Promise<void>): Promise<Verdict> => {
  const reason = skipReason(about, cell);
  if (reason !== undefined) return verdictOf(about, cell, { outcome: 'skipped', text: reason, durationMs: 0 });
  const startedAt = performance.now();
  const since = (): number => Math.round(performance.now() - startedAt);
  try {
    await work();
    return verdictOf(about, cell, { outcome: 'passed', text: '', durationMs: since() });
  } catch (error) {
    return verdictOf(about, cell, { outcome: 'failed', text: failureText(about, cell, error), durationMs: since() });
  }
};

/** Only looks: the mesh's own configuration is what is judged. For labs. */
export const observe = (about: ConformanceCase, mesh: MeshUnderTest): Promise<Verdict> =>
  judged(about, cellOf(mesh), () => within(LIMIT_MS, 'the whole case', about.run(mesh)));

/** Runs the case on its configuration and takes away what was applied; when it fails, the evidence is gathered while everything is still as it was. */
const witnessed = async (about: ConformanceCase, mesh: MeshUnderTest, keep: KeepEvidence | undefined): Promise<void> => {
  const work = async (): Promise<void> => {
    if (about.apply !== '') await mesh.apply(about.apply);
    await about.run(mesh);
    await mesh.clear();
  };
  try {
    await within(LIMIT_MS, 'the whole case', work());
  } catch (error) {
    throw keep ? new Witnessed(error, keep(about, cellOf(mesh), await mesh.evidence())) : error;
  }
};

/** Applies the case's configuration, looks, and takes everything away again that was applied, so that no case can spoil the next. */
export const verify = (about: ConformanceCase, mesh: MeshUnderTest, keep?: KeepEvidence): Promise<Verdict> =>
  judged(about, cellOf(mesh), async () => {
    try {
      await witnessed(about, mesh, keep);
    } catch (error) {
      // What goes wrong while tidying up after a failure must not hide the failure.
      await mesh.clear().catch(() => {});
      throw error;
    }
  });
