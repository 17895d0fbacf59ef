/**
 * What must outlive this process: what was applied over HTTP, and who runs. One JSON file, replaced whole, written before the change is answered.
 * With it a control plane that crashed starts again at its old version, and answers the first proxy that comes back with everybody's endpoints.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Log } from '#system/log.ts';
import type { WorkloadRegistry } from './registry/workload-registry.ts';
import type { ConfigStore, SavedConfig } from './store/config-store.ts';

interface Keepers {
  readonly store: ConfigStore;
  readonly registry: WorkloadRegistry;
  readonly log: Log;
}

interface State extends SavedConfig {
  readonly workloads: ReturnType<WorkloadRegistry['save']>;
}

/** Reads the file when there is one, and from then on keeps it. True when who ran before is known. */
export const keepState = (file: string, { store, registry, log }: Keepers): boolean => {
  const before = readState(file, log);
  if (before) {
    const problems = store.restore(before);
    registry.restore(before.workloads);
    log.info('state.restored', { file, version: store.version, workloads: before.workloads.length, problems });
  }
  const write = (): void => writeState(file, { ...store.save(), workloads: registry.save() }, log);
  store.onChange(write);
  registry.onChange(write);
  return before !== undefined;
};

/** A file that cannot be understood is put aside, never overwritten: somebody may want to look at it. */
const readState = (file: string, log: Log): State | undefined => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const state = JSON.parse(text) as Partial<State>;
    if (Number.isInteger(state.version) && Array.isArray(state.resources) && Array.isArray(state.workloads)) return state as State;
    log.error('state.unreadable', { file, reason: 'it has not the fields version, resources and workloads' });
  } catch (error) {
    log.error('state.unreadable', { file, reason: error instanceof Error ? error.message : String(error) });
  }
  renameSync(file, `${file}.unreadable`);
  return undefined;
};

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** A full disk must not end the process that all proxies depend on. */
const writeState = (file: string, state: State, log: Log): void => {
  try {
    writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    log.error('state.write-failed', { file, reason: error instanceof Error ? error.message : String(error) });
  }
};
