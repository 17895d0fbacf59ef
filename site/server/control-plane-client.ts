/** The control plane's HTTP API, as the site calls it. The token stays in this process. */
import type { ApplyResult, Problem, StoredResource } from '#api/resource.ts';
import type { SyncStatus } from '#api/sync.ts';

/** Files to apply, analyze or delete: name → YAML text. */
export type Files = Readonly<Record<string, string>>;

/** A control plane that answers. Each call rejects with the control plane's own words. */
export interface ControlPlaneClient {
  list(): Promise<readonly StoredResource[]>;
  apply(files: Files): Promise<ApplyResult>;
  remove(files: Files): Promise<ApplyResult>;
  analyze(files: Files): Promise<readonly Problem[]>;
  sync(): Promise<SyncStatus>;
  /** Host name → the virtual address that stands for it. */
  vips(): Promise<Readonly<Record<string, string>>>;
}

const TIMEOUT_MS = 10_000;

/** Talks to the control plane at that address. */
export const controlPlaneClient = ({ url, token }: { readonly url: string; readonly token: string }): ControlPlaneClient => {
  const call = async (path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(new URL(path, url), {
      method: body === undefined ? 'GET' : 'POST',
      // No kept connection: the control plane may have been restarted since.
      headers: {
        connection: 'close',
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    if (!isJson) throw new Error(`control plane answered ${response.status} to ${path}: ${text.slice(0, 300)}`);
    const value: unknown = JSON.parse(text);
    const refused = !response.ok && !(typeof value === 'object' && value !== null && 'problems' in value);
    if (refused) throw new Error(`control plane answered ${response.status} to ${path}: ${text.slice(0, 300)}`);
    return value;
  };
  const listOf = <T>(value: unknown, field: string): readonly T[] =>
    (Array.isArray(value) ? value : ((value as Record<string, unknown>)[field] ?? [])) as readonly T[];

  return {
    list: async () => listOf<StoredResource>(await call('/resources'), 'resources'),
    apply: async (files) => (await call('/apply', { files })) as ApplyResult,
    remove: async (files) => (await call('/delete', { files })) as ApplyResult,
    analyze: async (files) => listOf<Problem>(await call('/analyze', { files }), 'problems'),
    sync: async () => (await call('/debug/syncz')) as SyncStatus,
    vips: async () => (await call('/debug/vips')) as Record<string, string>,
  };
};
