/** The control plane over HTTP, as everything outside it sees it. */
import type { ApplyResult, StoredResource } from '#api/resource.ts';
import type { SyncStatus } from '#api/sync.ts';

/** No kept connection: the control plane may have been restarted since. */
const FRESH = { connection: 'close' };

/** What a mesh asks of its control plane. */
export interface ControlPlaneClient {
  apply(files: Readonly<Record<string, string>>): Promise<ApplyResult>;
  remove(files: Readonly<Record<string, string>>): Promise<ApplyResult>;
  resources(): Promise<readonly StoredResource[]>;
  sync(): Promise<SyncStatus>;
  vips(): Promise<Readonly<Record<string, string>>>;
}

/** fetch, but its error says who does not answer and why. */
const reach = async (url: string, request: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, request);
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`the control plane at ${url} does not answer: ${reason}`, { cause: error });
  }
};

/** url: without a trailing slash. Rejects when nobody answers or the answer is not one of the API's. */
export const controlPlaneClient = (url: string, token: string): ControlPlaneClient => {
  const get = async <T>(path: string): Promise<T> => {
    const answer = await reach(`${url}${path}`, { headers: FRESH });
    if (!answer.ok) throw new Error(`the control plane answered ${answer.status} to ${path}`);
    return (await answer.json()) as T;
  };
  const post = async (path: string, body: object): Promise<ApplyResult> => {
    const headers = { ...FRESH, 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const answer = await reach(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const result = (await answer.json()) as ApplyResult & { readonly error?: string };
    if (result.error !== undefined) throw new Error(`the control plane refused: ${result.error}`);
    return result;
  };
  return {
    apply: (files) => post('/apply', { files }),
    remove: (files) => post('/delete', { files }),
    resources: () => get('/resources'),
    sync: () => get('/debug/syncz'),
    vips: () => get('/debug/vips'),
  };
};
