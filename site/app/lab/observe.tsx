/** Sending, and what came back: once predicted, and the same again as often as one likes. */
import { useEffect, useState } from 'preact/hooks';
import { countRound, isRevealed, isStepsOwn, isTelling, type LabSend, type LabStep, lockOf, type Round, roundOf } from '#labs';
import { AnswerSquares, Tally } from '../components/answers.tsx';
import { BinomialPicture } from '../components/binomial.tsx';
import { Certificates } from '../components/certificates.tsx';
import { Verdicts } from '../components/verdict.tsx';
import { get } from '../live/api.ts';
import type { LabContent } from '../live/lab-content.ts';
import { reach, reachedIn } from '../live/progress.ts';
import { closedReason, mesh } from '../live/store.ts';
import type { SentAnswer } from '../live/types.ts';
import { BandPicture } from '../pictures/band-picture.tsx';
import { Ejections } from '../pictures/ejections.tsx';
import { LeavingPicture, RacePicture } from '../pictures/race-picture.tsx';
import { HeldStage } from './held.tsx';
import { OutsiderView } from './outsider.tsx';
import { OwnHops } from './own-hops.tsx';
import { SendPanel, type Sent as SentRound } from './send-panel.tsx';
import { TriesView } from './tries.tsx';
import { WireView } from './wire.tsx';

/** A lab and where one is in it. */
export interface Place {
  readonly lab: LabContent;
  readonly step: LabStep;
}

const ChancePicture = ({ step, rounds, predicted }: { step: LabStep; rounds: readonly Round[]; predicted: number | undefined }) => {
  const { stage, send, predict } = step;
  if (stage.kind !== 'chance' || rounds.length === 0) return null;
  return (
    <BinomialPicture
      n={send.count}
      p={stage.share}
      of={stage.of}
      rounds={rounds.map((round) => round[stage.of] ?? 0)}
      {...(predict.kind === 'count' && predicted !== undefined ? { predicted } : {})}
    />
  );
};

/** Where the mesh is not as the step wants it. */
const Amiss = ({ causes }: { causes: readonly string[] }) =>
  causes.length === 0 ? null : (
    <div class="notice warn small" role="status">
      <p>
        <b>Your mesh is not as this step wants it.</b> You may send what you like; it counts when this is mended.
      </p>
      <ul>
        {causes.map((cause) => (
          <li key={cause}>{cause}</li>
        ))}
      </ul>
    </div>
  );

/** Asked for when a step is opened, after each apply, and with every round. */
const useCauses = ({ lab, step }: Place, applies: number) => {
  const [causes, setCauses] = useState<readonly string[]>([]);
  const ask = async (): Promise<readonly string[]> => {
    const found = await get<readonly string[]>(`/labs/${lab.id}/steps/${step.id}/causes`);
    setCauses(found);
    return found;
  };
  useEffect(() => {
    // The next round asks again; an unreachable mesh is told by the frame.
    ask().catch(() => undefined);
  }, [lab.id, step.id, applies]);
  return { causes, ask };
};

const SHOWN_BODY = 160;

interface Sent extends SentRound {
  /** False when something was changed: it says nothing about the prediction. */
  readonly own: boolean;
}

/** What came back, and the verdict of the last one. */
const Judged = ({ answers }: { answers: readonly SentAnswer[] }) => {
  const last = answers.at(-1);
  return (
    <div class="stack">
      {answers.length === 1 ? null : <Tally round={countRound(answers)} />}
      {last === undefined ? null : (
        <p>
          <span class={`chip ${last.status >= 200 && last.status < 400 ? 'good' : 'bad'}`}>{last.status || 'no answer'}</span>{' '}
          {answers.length === 1 ? 'The client was told' : 'The last one was told'}{' '}
          <code>{last.body.slice(0, SHOWN_BODY) || last.error}</code>
        </p>
      )}
      {last === undefined || last.requestId === '' ? null : <Verdicts requestId={last.requestId} />}
    </div>
  );
};

/** One request looked at closely; nothing for a stage that counts. */
const Close = ({ step: { stage }, sent: { answers, story, ways, held } }: { step: LabStep; sent: Sent }) => {
  const [only] = answers;
  if (held !== undefined) return <HeldStage first={held} />;
  if (ways !== undefined) return <TriesView answers={answers} ways={ways} />;
  if (stage.kind === 'verdict') return <Judged answers={answers} />;
  if (stage.kind === 'wire' && story !== undefined) return <WireView answer={only} story={story} shows={stage.shows} />;
  if (answers.length !== 1 || only === undefined) return <Tally round={countRound(answers)} />;
  if (stage.kind === 'hops') return <OwnHops answer={only} />;
  return stage.kind === 'outsider' ? <OutsiderView answer={only} /> : <Tally round={countRound(answers)} />;
};

const LOOKS_CLOSELY: readonly string[] = ['hops', 'wire', 'outsider', 'verdict', 'tries', 'held'];

const Answers = ({ step, sent, rounds }: { step: LabStep; sent: Sent | undefined; rounds: readonly Round[] }) => {
  const last = rounds.at(-1);
  if (sent === undefined && last === undefined) return <p class="small muted">Nothing sent yet.</p>;
  if (LOOKS_CLOSELY.includes(step.stage.kind) && sent === undefined)
    return <p class="small muted">You sent this before. Send it again to see what becomes of it.</p>;
  return (
    <div class="stack">
      {sent === undefined ? <p class="small muted">Your last round:</p> : null}
      {sent === undefined ? <Tally round={last ?? {}} /> : <Close step={step} sent={sent} />}
      {(sent?.answers.length ?? 0) > 1 && sent?.ways === undefined && sent?.held === undefined ? (
        <AnswerSquares answers={sent?.answers ?? []} />
      ) : null}
      {sent === undefined || isTelling(step, sent.answers) ? null : (
        <p class="notice bad small">
          {step.stage.kind === 'outsider' && step.stage.expects === 'refusal'
            ? 'Somebody answered, so the rule of this step is not in force yet. Send it again in a moment.'
            : 'No workload answered, so this shows nothing yet. The request’s own story says what stood in its way.'}
        </p>
      )}
      {sent?.own === false ? (
        <p class="notice small">That was not what the question asks about, so it is not held against your guess.</p>
      ) : null}
    </div>
  );
};

/** What the rounds before the last one brought together; nothing before one that does not count. */
const earlierOf = (rounds: readonly Round[], { own }: Sent, of: string): { readonly n: number; readonly hits: number } => {
  const earlier = own ? rounds.slice(0, -1) : [];
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return { n: sum(earlier.flatMap((round) => Object.values(round))), hits: sum(earlier.map((round) => round[of] ?? 0)) };
};

const waitOf = ({ lab, step }: Place): string => {
  if (mesh.value?.open === false) return closedReason.value || 'You are looking, not touching: open the address that the terminal printed.';
  return lockOf(step, reachedIn(lab, step));
};

/** Card of the step's requests. applies: how often the learner has applied something here. onReveal: the first round that counts came back. */
export const Observe = ({ lab, step, applies, onReveal }: Place & { applies: number; onReveal: () => void }) => {
  const reached = reachedIn(lab, step);
  const rounds = reached?.rounds ?? [];
  const [sent, setSent] = useState<Sent | undefined>(undefined);
  const { causes, ask } = useCauses({ lab, step }, applies);
  const locked = waitOf({ lab, step });

  const onAnswers = async (round: SentRound, order: LabSend) => {
    const own = isStepsOwn(step, order) && (await ask()).length === 0;
    setSent({ ...round, own });
    if (!own || !isTelling(step, round.answers)) return;
    reach(lab, step, { rounds: [...rounds, roundOf(step, round.answers, round.ways?.exchanges)] });
    if (!isRevealed(reached)) onReveal();
  };

  return (
    <section class="card part">
      <h2>Observe</h2>
      {locked === '' ? <Amiss causes={causes} /> : null}
      <SendPanel step={step} locked={locked} onAnswers={onAnswers} />
      <Answers step={step} sent={sent} rounds={rounds} />
      {step.stage.kind === 'certificates' && reached?.predicted !== undefined ? <Certificates /> : null}
      {step.stage.kind === 'ejections' && reached?.predicted !== undefined ? (
        <Ejections from={step.stage.from} service={step.stage.service} />
      ) : null}
      {step.stage.kind === 'race' && reached?.predicted !== undefined ? (
        step.stage.shows === 'race' ? (
          <RacePicture />
        ) : (
          <LeavingPicture />
        )
      ) : null}
      {step.stage.kind === 'chance' && sent !== undefined && isRevealed(reached) ? (
        <BandPicture of={step.stage.of} p={step.stage.share} answers={sent.answers} before={earlierOf(rounds, sent, step.stage.of)} />
      ) : null}
      {isRevealed(reached) ? <ChancePicture step={step} rounds={rounds} predicted={reached?.predicted} /> : null}
    </section>
  );
};
