/** `/breakers`: how much of each cluster is in use, and of how much. */
import { type BreakersPage, type BreakerTold, UNLIMITED } from '#api/admin.ts';
import { type AdminAnswer, json } from './answer.ts';
import { search } from './search.ts';

/** A breaker as its room has it. */
export interface RunningBreaker {
  readonly limits: {
    readonly maxConnections: number;
    readonly maxPending: number;
    readonly maxRequests: number;
    readonly maxConnectionsPerHost: number;
    readonly retryBudget?: unknown;
  };
  readonly connections: number;
  readonly pending: number;
  readonly requests: number;
  readonly retries: number;
  readonly retryLimit: number;
  readonly refused: { readonly connections: number; readonly pending: number; readonly requests: number; readonly retries: number };
}

const told = (breaker: RunningBreaker, priority: BreakerTold['priority']): BreakerTold => {
  const { limits, refused } = breaker;
  return {
    priority,
    connections: { used: breaker.connections, limit: limits.maxConnections, refused: refused.connections },
    pending: { used: breaker.pending, limit: limits.maxPending, refused: refused.pending },
    requests: { used: breaker.requests, limit: limits.maxRequests, refused: refused.requests },
    retries: { used: breaker.retries, limit: breaker.retryLimit, refused: refused.retries },
    hasRetryBudget: limits.retryBudget !== undefined,
    perHostConnections: Math.min(limits.maxConnectionsPerHost, UNLIMITED),
  };
};

/** One cluster's two. */
export const breakersOf = (cluster: string, low: RunningBreaker, high: RunningBreaker): BreakersPage['clusters'][number] => ({
  cluster,
  breakers: [told(low, 'default'), told(high, 'high')],
});

/** Query: `filter`, a regular expression for names. */
export const breakers = (all: BreakersPage['clusters'], query: URLSearchParams): AdminAnswer => {
  const wanted = search(query.get('filter'));
  const page: BreakersPage = { clusters: wanted ? all.filter(({ cluster }) => wanted(cluster)) : all };
  return json(page);
};
