/** One step: do → predict on the left, observe → why → check on the right. On a narrow page the same order, one below the other. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { isRevealed, LABS, outcomeWords } from '#labs';
import { Html } from '../components/html.tsx';
import { ApplyPanel } from '../editor/apply-panel.tsx';
import { LiveGraph } from '../graph/graph.tsx';
import { progressKnown, reach, reachedIn } from '../live/progress.ts';
import { Check } from './check.tsx';
import { Hints } from './hints.tsx';
import { Observe, type Place } from './observe.tsx';
import { Predict } from './predict.tsx';

const Question = ({ lab, step }: Place) => {
  const reached = reachedIn(lab, step);
  const used = reached?.hints ?? 0;
  return (
    <section class="card part">
      <h2>Predict</h2>
      <Predict step={step} value={reached?.predicted} onAnswer={(predicted) => reach(lab, step, { predicted })} />
      <Hints hints={lab.text.steps[step.id]?.hints ?? []} used={used} onHint={() => reach(lab, step, { hints: used + 1 })} />
    </section>
  );
};

/** What there is to apply stays readable before the question is answered; applying waits, as the graph would give the answer away. */
const ApplyPart = ({ lab, step, onApplied }: Place & { onApplied: () => void }) =>
  step.apply === undefined ? null : (
    <section class="card part" aria-label="YAML to apply">
      <h2 class="mono file-name">{step.apply}</h2>
      <ApplyPanel
        file={step.apply}
        text={lab.files[step.apply] ?? ''}
        label={step.apply}
        canDelete={false}
        waitsFor={reachedIn(lab, step)?.predicted === undefined ? 'Answer the question first.' : ''}
        onApplied={() => {
          reach(lab, step, { applied: true });
          onApplied();
        }}
      />
    </section>
  );

const Why = ({ lab, step, fresh }: Place & { fresh: boolean }) => {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (fresh) place.current?.scrollIntoView({ block: 'nearest' });
  }, [fresh]);
  const reached = reachedIn(lab, step);
  if (!isRevealed(reached)) return null;
  return (
    <section class="card part arriving" ref={place}>
      <h2>Why</h2>
      <p role="status">
        <b>{outcomeWords(step, reached)}</b>
      </p>
      <Html html={lab.text.steps[step.id]?.why ?? ''} />
    </section>
  );
};

const Onward = ({ lab, step }: Place) => {
  const next = lab.steps[lab.steps.indexOf(step) + 1];
  const nextLab = LABS[LABS.findIndex(({ id }) => id === lab.id) + 1];
  if (!isRevealed(reachedIn(lab, step))) return null;
  if (next !== undefined)
    return (
      <a class="button primary next" href={`/labs/${lab.id}?step=${next.id}`}>
        Next: {next.title} →
      </a>
    );
  return (
    <a class="button next" href={nextLab === undefined ? '/labs' : `/labs/${nextLab.id}`}>
      {nextLab === undefined ? 'All labs' : `Lab ${nextLab.number}: ${nextLab.title} →`}
    </a>
  );
};

/** The live graph shows who takes part and how often: before the question is answered it would be the answer. */
const Graph = ({ lab, step }: Place) => {
  const { route } = useLocation();
  if (reachedIn(lab, step)?.predicted === undefined)
    return <p class="card part small muted">The live graph opens when you have answered the question.</p>;
  return (
    <section class="card graph-card" aria-label="The mesh, live">
      <LiveGraph
        chosen={undefined}
        onChoose={(chosen) => route(chosen.kind === 'proxy' ? `/?proxy=${chosen.name}` : `/?from=${chosen.from}&to=${chosen.to}`)}
      />
    </section>
  );
};

/** The step's text and question, and its stage. */
export const StepView = ({ lab, step }: Place) => {
  const [fresh, setFresh] = useState(false);
  const [applies, setApplies] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  // Whoever came by keyboard or with a reader goes on from here, not from the top of the page.
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement === null) heading.current?.focus({ preventScroll: true });
  }, []);
  if (!progressKnown.value) return null;
  const place = { lab, step };
  const number = lab.steps.indexOf(step) + 1;
  return (
    <div class="lab-body">
      <article class="lab-text stack">
        <h2 class="step-title" tabIndex={-1} ref={heading}>
          {number}. {step.title}
        </h2>
        {number === 1 ? <Html html={lab.text.intro} /> : null}
        <section class="card part">
          <h2>Do</h2>
          <Html html={lab.text.steps[step.id]?.do ?? ''} />
        </section>
        <Question {...place} />
      </article>
      <div class="lab-stage stack">
        <ApplyPart {...place} onApplied={() => setApplies(applies + 1)} />
        <Observe {...place} applies={applies} onReveal={() => setFresh(true)} />
        <Why {...place} fresh={fresh} />
        {step.claims.length > 0 && reachedIn(lab, step)?.predicted !== undefined ? (
          <section class="card part">
            <h2>Check</h2>
            <Check {...place} />
          </section>
        ) : null}
        <Onward {...place} />
        <Graph {...place} />
      </div>
    </div>
  );
};
