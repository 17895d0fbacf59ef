/** Real requests as dots on the graph's lines. At most thirty a second are shown; more is counted and said. */
import { signal } from '@preact/signals';
import { onExchange, ownIds } from '../live/store.ts';
import { toneOf } from '../live/words.ts';

const TRAVEL_MS = 900;
const MAX_PER_SECOND = 30;
const SVG = 'http://www.w3.org/2000/svg';

/** Share of requests that are drawn, 0…1, over the last second. */
export const drawnShare = signal(1);

interface Dot {
  readonly circle: SVGCircleElement;
  readonly line: SVGPathElement;
  readonly length: number;
  readonly startedAt: number;
}

/** Draws into `layer` until stopped. line: finds an edge's path. open: a dot was clicked. */
export const runDots = (
  layer: SVGGElement,
  line: (from: string, to: string) => SVGPathElement | undefined,
  open: (requestId: string) => void,
): (() => void) => {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let dots: Dot[] = [];
  let frame = 0;
  let windowStart = 0;
  let came = 0;
  let drawn = 0;

  const move = (now: number) => {
    dots = dots.filter((dot) => {
      const share = (now - dot.startedAt) / TRAVEL_MS;
      if (share >= 1) {
        dot.circle.remove();
        return false;
      }
      const { x, y } = dot.line.getPointAtLength(dot.length * (still ? 0.5 : Math.max(0, share)));
      dot.circle.setAttribute('transform', `translate(${x} ${y})`);
      return true;
    });
    frame = dots.length > 0 ? requestAnimationFrame(move) : 0;
  };

  const stop = onExchange((exchange) => {
    const now = performance.now();
    if (now - windowStart > 1_000) {
      drawnShare.value = came === 0 ? 1 : drawn / came;
      windowStart = now;
      came = 0;
      drawn = 0;
    }
    came++;
    const own = ownIds.value.has(exchange.requestId);
    if (document.hidden || (drawn >= MAX_PER_SECOND && !own)) return;
    const path = line(exchange.reporter, exchange.to);
    if (path === undefined) return;
    drawn++;
    const circle = document.createElementNS(SVG, 'circle');
    circle.setAttribute('r', own ? '7' : '4.5');
    circle.setAttribute('class', `dot ${toneOf(exchange)}${own ? ' own' : ''}`);
    circle.addEventListener('click', () => open(exchange.requestId));
    layer.append(circle);
    dots.push({ circle, line: path, length: path.getTotalLength(), startedAt: now + Math.random() * 90 });
    if (frame === 0) frame = requestAnimationFrame(move);
  });

  return () => {
    stop();
    cancelAnimationFrame(frame);
    for (const dot of dots) dot.circle.remove();
  };
};
