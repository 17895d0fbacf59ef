/** Who certifies whom until when: every workload's certificates on a line of time, live, and the same as a table. */
import { useEffect, useState } from 'preact/hooks';
import { get } from '../live/api.ts';
import type { IdentityState, LeafLife } from '../live/types.ts';
import { rememberLives, renewalOf, spanOf } from './lives.ts';
import { ScrollRegion } from './scroll-region.tsx';

const EVERY_MS = 500;
const [WIDTH, LEFT, RIGHT, ROW, TOP] = [820, 150, 10, 24, 26];
const BAR = 14;

const PHASES: Readonly<Record<IdentityState['phase'], string>> = {
  steady: 'One root is trusted, and it signs.',
  begun: 'Two roots are trusted; the old one still signs.',
  switched: 'Two roots are trusted; the new one signs.',
};

/** As told twice a second, and every life seen since the panel was opened. */
export const useIdentity = (): { readonly state: IdentityState | undefined; readonly lives: readonly LeafLife[] } => {
  const [state, setState] = useState<IdentityState | undefined>(undefined);
  const [lives, setLives] = useState<readonly LeafLife[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const ask = async (): Promise<void> => {
      // Away for a moment: the frame says so, and the next round asks again.
      const found = await get<IdentityState>('/identity').catch(() => undefined);
      if (gone) return;
      if (found !== undefined) {
        setState(found);
        setLives((seen) => rememberLives(seen, found.leaves));
      }
      timer = setTimeout(ask, EVERY_MS);
    };
    ask();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);
  return { state, lives };
};

const timeIn = (ms: number): string =>
  new Date(ms).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

interface Scale {
  readonly x: (ms: number) => number;
}

const Life = ({
  life,
  y,
  isLast,
  isOther,
  scale: { x },
}: {
  life: LeafLife;
  y: number;
  isLast: boolean;
  isOther: boolean;
  scale: Scale;
}) => {
  const [from, half, to] = [x(life.issuedAtMs), x(renewalOf(life)), x(life.notAfterMs)];
  const kind = `${isLast ? '' : ' past'}${isOther ? ' other-root' : ''}`;
  const shift = isLast ? 0 : BAR / 2;
  return (
    <g>
      <rect class={`first-half${kind}`} x={from} y={y + shift} width={Math.max(1, half - from)} height={BAR / (isLast ? 1 : 2)} />
      <rect class={`second-half${kind}`} x={half} y={y + shift} width={Math.max(1, to - half)} height={BAR / (isLast ? 1 : 2)} />
    </g>
  );
};

const Picture = ({ state, lives }: { state: IdentityState; lives: readonly LeafLife[] }) => {
  const holders = [...new Set(lives.map(({ holder }) => holder))].sort();
  const [from, to] = spanOf(lives, state.nowMs);
  const scale = { x: (ms: number) => LEFT + ((ms - from) / (to - from)) * (WIDTH - LEFT - RIGHT) };
  const height = TOP + holders.length * ROW + 18;
  const now = scale.x(state.nowMs);
  const signing = state.roots.find(({ isSigning }) => isSigning)?.id;
  return (
    <svg
      class="lives"
      viewBox={`0 0 ${WIDTH} ${height}`}
      role="img"
      aria-label="Certificates on a line of time; the table below has the same"
    >
      <text x={Math.min(now, WIDTH - 130)} y={14}>
        now, {timeIn(state.nowMs)}
      </text>
      {holders.map((holder, row) => {
        const own = lives.filter((life) => life.holder === holder);
        return (
          <g key={holder}>
            <text x={0} y={TOP + row * ROW + 12}>
              {holder}
            </text>
            {own.map((life, index) => (
              <Life
                key={life.serial}
                life={life}
                y={TOP + row * ROW}
                isLast={index === own.length - 1}
                isOther={life.authority !== signing}
                scale={scale}
              />
            ))}
          </g>
        );
      })}
      <line class="now" x1={now} x2={now} y1={18} y2={height - 16} />
      <text class="faint" x={LEFT} y={height - 2}>
        {timeIn(from)}
      </text>
      <text class="faint" x={WIDTH - RIGHT} y={height - 2} text-anchor="end">
        {timeIn(to)}
      </text>
    </svg>
  );
};

const Table = ({ state }: { state: IdentityState }) => (
  <ScrollRegion class="scroll-x" label="Certificates in force">
    <table class="small">
      <caption class="hidden-text">Certificates in force</caption>
      <thead>
        <tr>
          {['workload', 'serial', 'issued', 'next at about', 'ends', 'replaced', 'root'].map((title) => (
            <th key={title} scope="col" class={title === 'replaced' ? 'number' : ''}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {state.leaves
          .toSorted((a, b) => a.holder.localeCompare(b.holder))
          .map((leaf) => (
            <tr key={leaf.holder}>
              <th scope="row">{leaf.holder}</th>
              <td class="mono" title={leaf.serial}>
                {leaf.serial.slice(0, 8)}
              </td>
              <td>{timeIn(leaf.issuedAtMs)}</td>
              <td>{timeIn(renewalOf(leaf))}</td>
              <td>{timeIn(leaf.notAfterMs)}</td>
              <td class="number">{leaf.rotations === 1 ? 'once' : `${leaf.rotations} times`}</td>
              <td class="mono">{leaf.authority}</td>
            </tr>
          ))}
      </tbody>
    </table>
  </ScrollRegion>
);

/** Requests of the built-in load since the panel was opened. */
const Counter = ({ state, since }: { state: IdentityState; since: IdentityState['load'] }) => (
  <p>
    Built-in load since you opened this:{' '}
    <b class="counter">
      {(state.load.sent - since.sent).toLocaleString('en')} sent, {(state.load.failed - since.failed).toLocaleString('en')} failed
    </b>
  </p>
);

/** Picture, counter, roots and table. */
export const Certificates = () => {
  const { state, lives } = useIdentity();
  const [since, setSince] = useState<IdentityState['load'] | undefined>(undefined);
  useEffect(() => {
    if (since === undefined && state !== undefined) setSince(state.load);
  }, [state, since]);
  if (state === undefined) return <p class="small muted">Asking who has which certificate…</p>;
  return (
    <div class="stack">
      <Counter state={state} since={since ?? state.load} />
      <Picture state={state} lives={lives} />
      <p class="small muted">
        Each bar is the life of one certificate; the filled half ends where the next one is asked for. Thin bars were replaced. Amber: under
        a root that does not sign any more.
      </p>
      <p class="small" role="status">
        {PHASES[state.phase]} Trusted: {state.roots.map(({ id, isSigning }) => `${id}${isSigning ? ' (signs)' : ''}`).join(', ')}.
      </p>
      <Table state={state} />
    </div>
  );
};
