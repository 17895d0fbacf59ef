/** The race: four algorithms on one tape of arrivals, with the queue at each host at any moment; the table has the whole in figures. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type Lane, type Leaving, leavingOf, RACERS, raceOf, tapeOf } from './race.ts';

const REQUESTS = 240;
const USERS = 1_000;
const DRAWN = 16;
const FRAME_MS = 50;
/** Of the tape's time, in each frame. */
const STEP_MS = 25;

const Queue = ({ count }: { count: number }) => (
  <span class="race-queue" aria-hidden="true">
    {Array.from({ length: Math.min(DRAWN, count) }, (_, index) => (
      <span key={index} class={`race-request${index === 0 ? ' served' : ''}`} />
    ))}
    {count > DRAWN ? <span class="small">+{count - DRAWN}</span> : null}
  </span>
);

const LaneCard = ({ lane, atMs }: { lane: Lane; atMs: number }) => (
  <li class="race-lane">
    <p>
      <b class="mono small">{lane.name}</b>
    </p>
    {RACERS.map((racer, host) => {
      const count = lane.queueAt(host, atMs);
      return (
        <p key={racer.name} class="race-host small">
          <span>
            {racer.name}
            {racer.serviceMs > 100 ? ' (slow)' : ''}
          </span>
          <Queue count={count} />
          <b class="number">{count}</b>
        </p>
      );
    })}
  </li>
);

/** Plays by itself only when asked to; without motion the slider alone moves it. */
const useTime = (endMs: number) => {
  const [atMs, setAtMs] = useState(endMs);
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => setAtMs((now) => Math.min(endMs, now + STEP_MS)), FRAME_MS);
    return () => clearInterval(timer);
  }, [playing, endMs]);
  useEffect(() => {
    if (atMs >= endMs) setPlaying(false);
  }, [atMs, endMs]);
  const toggle = () => {
    if (!playing && atMs >= endMs) setAtMs(0);
    setPlaying(!playing);
  };
  const seek = (ms: number) => {
    setPlaying(false);
    setAtMs(ms);
  };
  return { atMs, playing, toggle, seek };
};

const Figures = ({ lanes }: { lanes: readonly Lane[] }) => (
  <div class="scroll-x">
    <table class="small">
      <caption class="hidden-text">The whole race in figures</caption>
      <thead>
        <tr>
          {[
            'algorithm',
            ...RACERS.map(({ name }) => `to ${name}`),
            'median',
            '99 of 100 within',
            'longest queue',
            'users with one host',
          ].map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {lanes.map((lane) => (
          <tr key={lane.name}>
            <th scope="row" class="mono">
              {lane.name}
            </th>
            {RACERS.map(({ name }, host) => (
              <td key={name} class="number">
                {lane.runs.filter((run) => run.host === host).length}
              </td>
            ))}
            <td class="number">{Math.round(lane.medianMs)} ms</td>
            <td class="number">
              <b>{Math.round(lane.worstMs)} ms</b>
            </td>
            <td class="number">{lane.longestQueue}</td>
            <td class="number">{lane.faithful} of 24</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

/** The race alone. */
export const RacePicture = () => {
  const tape = useMemo(() => tapeOf(REQUESTS), []);
  const lanes = useMemo(() => raceOf(tape), [tape]);
  const endMs = Math.ceil(tape.at(-1)?.atMs ?? 0);
  const { atMs, playing, toggle, seek } = useTime(endMs);
  return (
    <figure class="race stack" aria-label="Balancing race">
      <p class="small muted">
        {REQUESTS} requests of 24 users arrive at the same moments in each lane. A, B and C need 30 ms for one, D needs 120 ms. The picks
        are made by the proxy’s own code, here in your browser.
      </p>
      <ul class="race-lanes">
        {lanes.map((lane) => (
          <LaneCard key={lane.name} lane={lane} atMs={atMs} />
        ))}
      </ul>
      <div class="row">
        <button type="button" class="button" onClick={toggle}>
          {playing ? 'Pause' : atMs >= endMs ? 'Play the race' : 'Go on'}
        </button>
        <input
          class="race-time"
          type="range"
          min={0}
          max={endMs}
          step={10}
          value={atMs}
          aria-label="Moment of the race"
          aria-valuetext={`${Math.round(atMs)} milliseconds`}
          onInput={(event) => seek(Number(event.currentTarget.value))}
        />
        <span class="small number">{(atMs / 1_000).toFixed(2)} s</span>
      </div>
      <Figures lanes={lanes} />
    </figure>
  );
};

const leavingWords = ({ before, moved, movedFromLeaver }: Leaving): string => {
  const left = before.at(-1) ?? 0;
  return `Of ${USERS.toLocaleString('en')} users ${left} were with D: all ${movedFromLeaver} of them had to move, and ${moved - movedFromLeaver} others, as fewer hosts have more places each on the ring. The remaining ${(USERS - moved).toLocaleString('en')} noticed nothing. By "number of the user modulo number of hosts" about three of four would have moved.`;
};

/** What becomes of users when the last host leaves the ring. */
export const LeavingPicture = () => {
  const leaving = useMemo(() => leavingOf(USERS), []);
  const most = Math.max(...leaving.before, ...leaving.after);
  return (
    <figure class="race stack" aria-label="A host leaves the ring">
      <table class="tally">
        <caption class="small muted">Users by host on the ring: before D leaves, and after</caption>
        <tbody>
          {RACERS.flatMap(({ name }, host) =>
            (['before', 'after'] as const).map((side) => (
              <tr key={`${name} ${side}`}>
                <th scope="row">
                  {name}, {side}
                </th>
                <td class="tally-bar">
                  <span
                    class={`tally-fill ${side === 'after' ? 'v1' : ''}`}
                    style={{ width: `${((leaving[side][host] ?? 0) / most) * 100}%` }}
                  />
                </td>
                <td class="number">{leaving[side][host]}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
      <figcaption class="small">{leavingWords(leaving)}</figcaption>
    </figure>
  );
};
