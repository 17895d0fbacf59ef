/** Calls to the site's own server. Every failure becomes one sentence. */
import type { ApplyResult } from '#api/resource.ts';
import type { ChangeProgress } from './types.ts';

/** What went wrong, in words for the page. */
export class ApiError extends Error {}

const reach = async (path: string, request: RequestInit): Promise<Response> => {
  try {
    return await fetch(`/api${path}`, request);
  } catch (cause) {
    throw new ApiError('The mesh does not answer. Is `npm start` still running in the terminal?', { cause });
  }
};

const refusalOf = async (response: Response): Promise<string> => {
  const value: unknown = await response.json().catch(() => undefined);
  return typeof value === 'object' && value !== null && 'error' in value ? String(value.error) : `status ${response.status}`;
};

const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const content = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await reach(path, { method, ...content });
  if (!response.ok) throw new ApiError(await refusalOf(response));
  return response.json();
};

/** Reads JSON; the caller says what it is, as both ends are built together. */
export const get = async <T>(path: string): Promise<T> => (await call('GET', path)) as T;

/** Changes something. */
export const post = async <T>(path: string, body: unknown = {}): Promise<T> => (await call('POST', path, body)) as T;

/** An error's words. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Applies or deletes. told: hears how far the change has come until every proxy has answered. Settles with the result once that is so. */
export const change = async (
  path: '/apply' | '/delete',
  files: Readonly<Record<string, string>>,
  told: (result: ApplyResult, progress: ChangeProgress | undefined) => void,
): Promise<ApplyResult> => {
  const response = await reach(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ files }),
  });
  if (!response.ok || response.body === null) throw new ApiError(await refusalOf(response));
  let result: ApplyResult | undefined;
  for await (const line of linesOf(response.body)) {
    const said = JSON.parse(line) as { result?: ApplyResult; progress?: ChangeProgress; error?: string };
    if (said.error !== undefined) throw new ApiError(`It was applied, and then: ${said.error}`);
    result = said.result ?? result;
    if (result !== undefined) told(result, said.progress);
  }
  if (result === undefined) throw new ApiError('The mesh stopped answering.');
  return result;
};

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? '')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
    if (done) return;
  }
}
