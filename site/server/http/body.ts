/** Bodies of calls, taken for what they are: text from anybody. */
import { OrderError } from '../sender.ts';

/** A JSON object. Throws OrderError for anything else. */
export const readBody = async (request: { json(): Promise<unknown> }): Promise<Readonly<Record<string, unknown>>> => {
  let value: unknown;
  try {
    value = await request.json();
  } catch (error) {
    if (error instanceof SyntaxError) throw new OrderError('The body is not JSON.');
    throw error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new OrderError('The body is not a JSON object.');
  return value as Readonly<Record<string, unknown>>;
};

/** The fields that are texts; others are dropped. */
export const textsOf = (value: unknown): Record<string, string> => {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
};
