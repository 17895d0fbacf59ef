/** Which workloads a request passed, from the records that the site keeps. Nothing where no site runs, or where the gateway gave the request another id. */
import type { RunFile } from '#environment';

/** One call on the request's way. */
export interface Passed {
  readonly from: string;
  readonly to: string;
  readonly status: number;
}

interface LoggedExchange {
  readonly side: string;
  readonly reporter: string;
  readonly to: string;
  readonly status: number;
}

/** A record is written when a request is over, and read by the site a moment later. */
const PATIENCE_MS = 500;
const LOOK_AGAIN_MS = 25;

/** In the order in which they began. */
export const passedBy = async ({ site, records = site }: RunFile, requestId: string): Promise<readonly Passed[]> => {
  if (records === undefined) return [];
  const page = new URL(`/api/requests/${encodeURIComponent(requestId)}`, records);
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const passed = await read(page);
    if (passed.length > 0 || performance.now() > deadline) return passed;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
};

const read = async (page: URL): Promise<Passed[]> => {
  try {
    const answer = await fetch(page, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const exchanges = answer.ok ? ((await answer.json()) as readonly LoggedExchange[]) : [];
    return exchanges.filter(({ side }) => side !== 'inbound').map(({ reporter, to, status }) => ({ from: reporter, to, status }));
  } catch {
    // The way is told beside the answer; without it the answer is still worth telling.
    return [];
  }
};
