/** One step: do → predict → observe → why → check. */
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { LabStep, StepProgress, StepVerdict } from '#labs';
import { AnswerCards, AnswerDots, Tally, tally } from '../components/answers.tsx';
import { BinomialPicture } from '../components/binomial.tsx';
import { Html } from '../components/html.tsx';
import { ApplyPanel } from '../editor/apply-panel.tsx';
import { LiveGraph } from '../graph/graph.tsx';
import { post, wordsOf } from '../live/api.ts';
import type { LabContent } from '../live/lab-content.ts';
import { progress, reach } from '../live/progress.ts';
import { mesh } from '../live/store.ts';
import type { SentAnswer } from '../live/types.ts';
import { Verdict } from './conformance.tsx';
import { SendPanel } from './send-panel.tsx';

const CANARY_SHARE = 0.1;

const Predict = ({ step, value, onAnswer }: { step: LabStep; value: number | undefined; onAnswer: (value: number) => void }) => {
  const { predict } = step;
  const [draft, setDraft] = useState('');
  const locked = value !== undefined;
  if (predict.kind === 'choice')
    return (
      <fieldset class="predict" disabled={locked}>
        <legend>{predict.question}</legend>
        {predict.options.map((option, index) => (
          <label key={option} class={`option${value === index ? ' picked' : ''}`}>
            <input type="radio" name={`predict-${step.id}`} checked={value === index} onChange={() => onAnswer(index)} />
            {option}
          </label>
        ))}
      </fieldset>
    );
  const number = Number(draft);
  const fits = draft !== '' && Number.isInteger(number) && number >= 0 && number <= predict.max;
  return (
    <form
      class="predict"
      onSubmit={(event) => {
        event.preventDefault();
        if (fits) onAnswer(number);
      }}
    >
      <label for={`predict-${step.id}`}>{predict.question}</label>
      <div class="row">
        <input
          id={`predict-${step.id}`}
          class="field count"
          type="text"
          inputMode="numeric"
          autoComplete="off"
          disabled={locked}
          value={locked ? String(value) : draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
        {locked ? (
          <span class="small muted">of {predict.max}, that is your word.</span>
        ) : (
          <button class="button" type="submit" disabled={!fits}>
            That is my guess
          </button>
        )}
      </div>
    </form>
  );
};

const outcomeOf = (step: LabStep, predicted: number | undefined, observed: number | undefined): string => {
  if (predicted === undefined) return '';
  if (step.predict.kind === 'choice') {
    const truth = step.predict.options[step.predict.answer] ?? '';
    return predicted === step.predict.answer ? `You said it: ${truth}.` : `It is another: ${truth}.`;
  }
  if (observed === undefined) return '';
  return observed === predicted ? `You said ${predicted}, and ${observed} it was.` : `You said ${predicted}; it was ${observed}.`;
};

const Hints = ({ hints, used, onHint }: { hints: readonly string[]; used: number; onHint: () => void }) => (
  <div class="hints">
    {hints.slice(0, used).map((hint, index) => (
      <p key={hint} class="notice small">
        <b>Hint {index + 1}.</b> <Html html={hint} inline />
      </p>
    ))}
    {used < hints.length ? (
      <button type="button" class="button quiet" onClick={onHint}>
        Hint {used + 1} of {hints.length}
      </button>
    ) : null}
  </div>
);

const Check = ({ lab, step }: { lab: LabContent; step: LabStep }) => {
  const [verdict, setVerdict] = useState<StepVerdict | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const check = async () => {
    setBusy(true);
    setError('');
    try {
      const found = await post<StepVerdict>(`/labs/${lab.id}/steps/${step.id}/check`);
      setVerdict(found);
      reach(`${lab.id}#${step.id}`, { checked: found.passed });
    } catch (problem) {
      setError(wordsOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="stack">
      <p class="small muted">
        Proved by{' '}
        {step.claims.map((id) => (
          <a key={id} class="mono" href={`/conformance?case=${id}`}>
            {id}
          </a>
        ))}
        , run on your own mesh as it is now.
      </p>
      <div class="row">
        <button type="button" class="button primary" disabled={busy || mesh.value?.open !== true} onClick={check}>
          {busy ? 'Asking your mesh…' : 'Check'}
        </button>
        {progress.value[`${lab.id}#${step.id}`]?.checked === true && verdict === undefined ? (
          <span class="chip good">checked before</span>
        ) : null}
      </div>
      <div role="status" class="stack">
        {verdict?.verdicts.map((one) => (
          <div key={one.id}>
            <span class="mono small">{one.id}</span> <Verdict verdict={one} />
          </div>
        ))}
        {error === '' ? null : <p class="notice bad">{error}</p>}
      </div>
    </div>
  );
};

const Picture = ({ step, answers, predicted }: { step: LabStep; answers: readonly SentAnswer[]; predicted: number | undefined }) => {
  const observed = answers.filter((answer) => answer.servedBy === 'reviews-v2').length;
  const counted = step.predict.kind === 'count' ? predicted : undefined;
  const strangers = answers.filter((answer) => !['reviews-v1', 'reviews-v2'].includes(answer.servedBy)).length;
  return (
    <div class="stack">
      {step.stage === 'binomial' && strangers > 0 ? (
        <p class="notice warn">
          {strangers} of {answers.length} answers came from neither v1 nor v2, so the 90/10 rule is not in force. Apply it in the first step
          of lab 2.
        </p>
      ) : null}
      {step.stage === 'hops' ? null : <Tally answers={answers} />}
      {answers.length > 1 ? <AnswerDots answers={answers} /> : null}
      {step.stage === 'binomial' ? <BinomialPicture n={answers.length} p={CANARY_SHARE} observed={observed} predicted={counted} /> : null}
      {step.stage === 'hops' ? <AnswerCards answers={answers} /> : null}
    </div>
  );
};

interface Place {
  readonly lab: LabContent;
  readonly step: LabStep;
}

const keyOf = ({ lab, step }: Place): string => `${lab.id}#${step.id}`;

/** What is read and answered; why and check come once something was sent. */
const TextParts = ({ lab, step }: Place) => {
  const key = keyOf({ lab, step });
  const reached = progress.value[key];
  const text = lab.text.steps[step.id];
  const revealed = reached?.sent === true;
  return (
    <>
      {lab.steps[0] === step ? <Html html={lab.text.intro} /> : null}
      <section class="card part">
        <h2>Do</h2>
        <Html html={text?.do ?? ''} />
      </section>
      <section class="card part">
        <h2>Predict</h2>
        <Predict step={step} value={reached?.predicted} onAnswer={(value) => reach(key, { predicted: value })} />
        <Hints hints={text?.hints ?? []} used={reached?.hints ?? 0} onHint={() => reach(key, { hints: (reached?.hints ?? 0) + 1 })} />
      </section>
      {revealed ? (
        <section class="card part arriving">
          <h2>Why</h2>
          <p>
            <b>{outcomeOf(step, reached?.predicted, reached?.observed)}</b>
          </p>
          <Html html={text?.why ?? ''} />
        </section>
      ) : null}
      {step.claims.length > 0 && revealed ? (
        <section class="card part">
          <h2>Check</h2>
          <Check lab={lab} step={step} />
        </section>
      ) : null}
    </>
  );
};

/** Why sending must wait; empty when it need not. */
const lockOf = (step: LabStep, reached: StepProgress | undefined): string => {
  if (reached?.predicted === undefined) return 'Answer the question first.';
  return step.apply !== undefined && reached.applied !== true ? 'Apply the YAML first.' : '';
};

/** Sending, and what came back. */
const Observe = ({ lab, step }: Place) => {
  const key = keyOf({ lab, step });
  const reached = progress.value[key];
  const predicted = reached?.predicted;
  const revealed = reached?.sent === true;
  const [answers, setAnswers] = useState<readonly SentAnswer[]>([]);

  const onAnswers = (fresh: readonly SentAnswer[]) => {
    setAnswers(fresh);
    if (fresh.every((answer) => answer.status === 0)) return;
    const { predict } = step;
    const observed = predict.kind === 'count' ? (tally(fresh).find(([who]) => who === predict.counted)?.[1] ?? 0) : undefined;
    const right = predict.kind === 'count' ? observed === predicted : predicted === predict.answer;
    reach(key, { sent: true, ...(revealed ? {} : { right }), ...(observed === undefined ? {} : { observed }) });
  };

  return (
    <section class="card part">
      <h2>Observe</h2>
      <SendPanel step={step} locked={lockOf(step, reached)} onAnswers={onAnswers} />
      {answers.length === 0 ? (
        <p class="small muted">{revealed ? 'You sent this before. Send again to see it again.' : 'Nothing sent yet.'}</p>
      ) : (
        <Picture step={step} answers={answers} predicted={predicted} />
      )}
    </section>
  );
};

const ApplyPart = ({ lab, step }: Place) =>
  step.apply === undefined ? null : (
    <section class="card part" aria-label="YAML to apply">
      <h2 class="mono file-name">{step.apply}</h2>
      <ApplyPanel
        file={step.apply}
        text={lab.files[step.apply] ?? ''}
        label={step.apply}
        canDelete={false}
        onApplied={() => reach(keyOf({ lab, step }), { applied: true })}
      />
    </section>
  );

/** The step's text on the left, its stage on the right. */
export const StepView = ({ lab, step }: Place) => {
  const { route } = useLocation();
  const next = lab.steps[lab.steps.indexOf(step) + 1];
  const revealed = progress.value[keyOf({ lab, step })]?.sent === true;
  return (
    <div class="lab-body">
      <article class="lab-text stack">
        <TextParts lab={lab} step={step} />
        {next === undefined || !revealed ? null : (
          <button type="button" class="button primary next" onClick={() => route(`/labs/${lab.id}?step=${next.id}`)}>
            Next: {next.title} →
          </button>
        )}
      </article>
      <div class="lab-stage stack">
        <ApplyPart lab={lab} step={step} />
        <Observe lab={lab} step={step} />
        <section class="card graph-card" aria-label="The mesh, live">
          <LiveGraph
            chosen={undefined}
            onChoose={(chosen) => route(chosen.kind === 'proxy' ? `/?proxy=${chosen.name}` : `/?from=${chosen.from}&to=${chosen.to}`)}
          />
        </section>
      </div>
    </div>
  );
};
