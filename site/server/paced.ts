/** Requests at an even pace while something happens to the mesh: how a learner sees that nobody notices. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LabEvent } from '#labs';
import type { MeshIdentity } from './identity-routes.ts';
import { OrderError, type Sender, type SendOrder } from './sender.ts';
import type { SentAnswer } from './told.ts';

const EVERY_MS = 50;
const HOUR_SECONDS = 3_600;
const MOST_EVENTS = 4;

const readEvent = (value: unknown): LabEvent => {
  const { kind, hours, step } = value as { readonly kind?: unknown; readonly hours?: unknown; readonly step?: unknown };
  if (kind === 'skip' && typeof hours === 'number') return { kind, hours };
  if (kind === 'rotate' && (step === 'begin' || step === 'switch' || step === 'finish')) return { kind, step };
  throw new OrderError('Meanwhile either the clock is put forward or the root is changed.');
};

/** Empty for an order without events. Throws OrderError. */
export const readEvents = (value: unknown): readonly LabEvent[] => {
  if (!Array.isArray(value)) return [];
  if (value.length > MOST_EVENTS) throw new OrderError(`At most ${MOST_EVENTS} things happen meanwhile.`);
  return value.map(readEvent);
};

/** Twenty a second; the events come at even distances between them. The jump of the clock waits until no request is under way. */
export const sendPaced = async (
  { sender, identity }: { readonly sender: Sender; readonly identity: MeshIdentity },
  order: SendOrder,
  events: readonly LabEvent[],
): Promise<readonly SentAnswer[]> => {
  const sent: Promise<readonly SentAnswer[]>[] = [];
  const parts = events.length + 1;
  const pace = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left--) {
      sent.push(sender.send({ ...order, count: 1 }));
      await pause(EVERY_MS);
    }
  };
  for (const [index, event] of events.entries()) {
    await pace(Math.floor((order.count * (index + 1)) / parts) - sent.length);
    if (event.kind === 'rotate') await identity.rotate(event.step);
    else {
      await Promise.all(sent);
      await identity.skip(Math.round(event.hours * HOUR_SECONDS));
    }
  }
  await pace(order.count - sent.length);
  return (await Promise.all(sent)).flat();
};
