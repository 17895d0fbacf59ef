/** Real requests as dots on the graph's lines. At most thirty a second are shown; more is counted and said. */
import { signal } from '@preact/signals';
import { onExchange, ownIds } from '../live/store.ts';
import type { LoggedExchange } from '../live/types.ts';
import { toneOf } from '../live/words.ts';

const TRAVEL_MS = 900;
const MAX_PER_SECOND = 30;
const SVG = 'http://www.w3.org/2000/svg';

/** Share of requests that are drawn, 0…1, over the last second. */
export const drawnShare = signal(1);

/** Places along a path; between them a dot goes straight, which nobody sees. */
const STOPS = 24;

/** The way along a line, as the browser's own animation takes it: nothing of ours runs while a dot travels. */
const wayAlong = (line: SVGPathElement): Keyframe[] => {
  const length = line.getTotalLength();
  return Array.from({ length: STOPS + 1 }, (_, i) => {
    const { x, y } = line.getPointAtLength((length * i) / STOPS);
    return { transform: `translate(${x}px, ${y}px)` };
  });
};

/** LIVING STATE: the ways that are known. A line that was laid out anew is another way. */
class Ways {
  readonly #known = new Map<string, Keyframe[]>();

  /** still: no travel; the dot shows in the middle of its line. */
  of(line: SVGPathElement, still: boolean): Keyframe[] {
    const path = line.getAttribute('d') ?? '';
    const known = this.#known.get(path) ?? wayAlong(line);
    this.#known.set(path, known);
    return still ? known.slice(STOPS / 2, STOPS / 2 + 1).flatMap((middle) => [middle, middle]) : known;
  }
}

/** LIVING STATE: how many came and how many were drawn in this second. */
class Share {
  #windowStart = 0;
  #came = 0;
  #drawn = 0;

  came(nowMs: number): void {
    if (nowMs - this.#windowStart > 1_000) {
      drawnShare.value = this.#came === 0 ? 1 : this.#drawn / this.#came;
      this.#windowStart = nowMs;
      this.#came = 0;
      this.#drawn = 0;
    }
    this.#came++;
  }

  get isFull(): boolean {
    return this.#drawn >= MAX_PER_SECOND;
  }

  drew(): void {
    this.#drawn++;
  }
}

const circleOf = (exchange: LoggedExchange, own: boolean): SVGCircleElement => {
  const circle = document.createElementNS(SVG, 'circle');
  circle.setAttribute('r', own ? '7' : '4.5');
  circle.setAttribute('class', `dot ${toneOf(exchange)}${own ? ' own' : ''}`);
  return circle;
};

/** Draws into `layer` until stopped. line: finds an edge's path. open: a dot was clicked. */
export const runDots = (
  layer: SVGGElement,
  line: (from: string, to: string) => SVGPathElement | undefined,
  open: (requestId: string) => void,
): (() => void) => {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const ways = new Ways();
  const share = new Share();
  const stop = onExchange((exchange) => {
    share.came(performance.now());
    const own = ownIds.value.has(exchange.requestId);
    if (document.hidden || (share.isFull && !own)) return;
    const path = line(exchange.reporter, exchange.to);
    if (path === undefined) return;
    share.drew();
    const circle = circleOf(exchange, own);
    circle.addEventListener('click', () => open(exchange.requestId));
    layer.append(circle);
    // Exchanges come in batches; a little apart, they are seen as several.
    const travel = circle.animate(ways.of(path, still), { duration: TRAVEL_MS, delay: Math.random() * 90, fill: 'backwards' });
    travel.onfinish = () => circle.remove();
  });
  return () => {
    stop();
    layer.replaceChildren();
  };
};
