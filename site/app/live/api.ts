/** Calls to the site's own server. Every failure becomes one sentence. */

/** What went wrong, in words for the page. */
export class ApiError extends Error {}

const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  let response: Response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new ApiError('The mesh does not answer. Is `npm start` still running in the terminal?', { cause });
  }
  const value: unknown = await response.json().catch(() => undefined);
  if (response.ok) return value;
  const said = typeof value === 'object' && value !== null && 'error' in value ? String(value.error) : `status ${response.status}`;
  throw new ApiError(said);
};

/** Reads JSON; the caller says what it is, as both ends are built together. */
export const get = async <T>(path: string): Promise<T> => (await call('GET', path)) as T;

/** Changes something. */
export const post = async <T>(path: string, body: unknown = {}): Promise<T> => (await call('POST', path, body)) as T;

/** Stores something. */
export const put = async <T>(path: string, body: unknown): Promise<T> => (await call('PUT', path, body)) as T;

/** An error's words. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
