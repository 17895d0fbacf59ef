/** What the admin port says to one question. */

/** One answer. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: 'text/plain; charset=UTF-8' | 'application/json';
  readonly text: string;
}

/** Text as it stands. */
export const plain = (text: string, status = 200): AdminAnswer => ({ status, type: 'text/plain; charset=UTF-8', text });

/** A value as JSON. */
export const json = (value: unknown): AdminAnswer => ({
  status: 200,
  type: 'application/json',
  text: `${JSON.stringify(value, null, 1)}\n`,
});

/** Complaints about what was asked end as an answer with this text. */
export class AdminRequestError extends Error {
  override readonly name = 'AdminRequestError';
  readonly status: number;

  constructor(text: string, status = 400) {
    super(text);
    this.status = status;
  }
}
