/** Who has a place, who waits and who was refused, from a breaker's figures and the requests that are held. Pure. */
import type { BreakerView, HeldRequest } from '../live/types.ts';

/** A breaker as places and seats. */
export interface Seating {
  /** Absent = no limit. */
  readonly places: number | undefined;
  readonly placesUsed: number;
  readonly seats: number | undefined;
  readonly seatsUsed: number;
  /** What becomes of the next request. */
  readonly next: 'goes in' | 'waits' | 'is refused';
}

/** Where one request is. */
export interface Seated {
  readonly request: HeldRequest;
  readonly where: 'place' | 'seat' | 'refused' | 'answered' | 'failed';
}

const least = (...limits: readonly (number | undefined)[]): number | undefined => {
  const finite = limits.filter((limit) => limit !== undefined);
  return finite.length === 0 ? undefined : Math.min(...finite);
};

const isFull = (used: number, limit: number | undefined): boolean => limit !== undefined && used >= limit;

/** Over HTTP/1.1 a request has a connection to itself: the smaller of the two limits counts. */
export const seatingOf = ({ connections, requests, pending }: BreakerView): Seating => {
  const places = least(connections.limit, requests.limit);
  const next = !isFull(requests.used, places) ? 'goes in' : isFull(pending.used, pending.limit) ? 'is refused' : 'waits';
  return { places, placesUsed: requests.used, seats: pending.limit, seatsUsed: pending.used, next };
};

/** Requests of one caller in their order; the line keeps its order, so the oldest have the places. used: places in use. */
export const seatedOf = (requests: readonly HeldRequest[], used: number): readonly Seated[] => {
  let left = used;
  return requests.map((request) => {
    const { answer } = request;
    if (answer === undefined) return { request, where: left-- > 0 ? 'place' : 'seat' };
    if (answer.flags.includes('UO')) return { request, where: 'refused' };
    return { request, where: answer.status === 0 || answer.status >= 500 ? 'failed' : 'answered' };
  });
};
