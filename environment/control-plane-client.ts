/** The control plane over HTTP, as everything outside it sees it. */
import type { ApplyResult, Problem, StoredResource } from '#api/resource.ts';
import type { Story } from '#api/story.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { AuthorityReport, RotationStep } from '#controlplane';

/** No kept connection: the control plane may have been restarted since. */
const FRESH = { connection: 'close' };
const TIMEOUT_MS = 10_000;
const QUOTED_CHARACTERS = 300;

/** Files to apply, analyze or delete: name → YAML text. */
export type Files = Readonly<Record<string, string>>;

/** What a mesh asks of its control plane. Each call rejects in words, when nobody answers or the answer is not one of the API's. */
export interface ControlPlaneClient {
  /** Problems come back in the result. */
  apply(files: Files): Promise<ApplyResult>;
  remove(files: Files): Promise<ApplyResult>;
  /** What would be wrong with them; changes nothing. */
  analyze(files: Files): Promise<readonly Problem[]>;
  list(): Promise<readonly StoredResource[]>;
  sync(): Promise<SyncStatus>;
  /** A token with which that workload's proxy gets its first certificate. */
  bootstrapToken(workload: {
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly workload: string;
  }): Promise<{ readonly token: string; readonly spiffeId: string }>;
  /** Roots, phase and certificates; no keys. */
  authority(): Promise<AuthorityReport>;
  /** A step of the change of roots; rejects with what it waits for. */
  rotate(step: RotationStep): Promise<void>;
  /** Why that workload treated a call with these facts as it did, by the policies of now. */
  explain(workload: string, facts: object): Promise<Story>;
  /** Host name → the virtual address that stands for it. */
  vips(): Promise<Readonly<Record<string, string>>>;
}

/** fetch, but its error says who does not answer and why. */
const reach = async (url: string, request: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === 'TimeoutError';
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    const reason = isLate ? `nothing came in ${TIMEOUT_MS / 1_000} s` : cause;
    throw new Error(`the control plane at ${url} does not answer: ${reason}`, { cause: error });
  }
};

/** An answer with problems is an answer, whatever its status. */
const read = async (answer: Response, path: string): Promise<unknown> => {
  const text = await answer.text();
  const isJson = (answer.headers.get('content-type') ?? '').includes('json');
  const value: unknown = isJson ? JSON.parse(text) : undefined;
  const has = (field: string) => typeof value === 'object' && value !== null && field in value;
  if (has('error')) throw new Error(`the control plane refused: ${Reflect.get(value as object, 'error')}`);
  if (!isJson || !(answer.ok || has('problems')))
    throw new Error(`the control plane answered ${answer.status} to ${path}: ${text.slice(0, QUOTED_CHARACTERS)}`);
  return value;
};

/** url: without a trailing slash. */
export const controlPlaneClient = (url: string, token: string): ControlPlaneClient => {
  const get = async (path: string): Promise<unknown> => read(await reach(`${url}${path}`, { headers: FRESH }), path);
  const post = async (path: string, body: object): Promise<unknown> => {
    const headers = { ...FRESH, 'content-type': 'application/json', authorization: `Bearer ${token}` };
    return read(await reach(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }), path);
  };
  return {
    apply: async (files) => (await post('/apply', { files })) as ApplyResult,
    remove: async (files) => (await post('/delete', { files })) as ApplyResult,
    analyze: async (files) => ((await post('/analyze', { files })) as ApplyResult).problems,
    list: async () => (await get('/resources')) as StoredResource[],
    sync: async () => (await get('/debug/syncz')) as SyncStatus,
    bootstrapToken: async (workload) => (await post('/identity/tokens', workload)) as { token: string; spiffeId: string },
    authority: async () => (await get('/identity/authority')) as AuthorityReport,
    rotate: async (step) => void (await post('/identity/rotation', { step })),
    explain: async (workload, facts) => (await post('/explain', { workload, facts })) as Story,
    vips: async () => (await get('/debug/vips')) as Record<string, string>,
  };
};
