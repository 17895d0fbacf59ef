/** Sending, and what came back: once predicted, and the same again as often as one likes. */
import { useEffect, useState } from 'preact/hooks';
import { countRound, isRevealed, isStepsOwn, type LabSend, type LabStep, lockOf, type Round } from '#labs';
import { AnswerSquares, Tally } from '../components/answers.tsx';
import { BinomialPicture } from '../components/binomial.tsx';
import { get } from '../live/api.ts';
import type { LabContent } from '../live/lab-content.ts';
import { reach, reachedIn } from '../live/progress.ts';
import { closedReason, mesh } from '../live/store.ts';
import type { SentAnswer } from '../live/types.ts';
import { OwnHops } from './own-hops.tsx';
import { SendPanel } from './send-panel.tsx';

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

/** When no workload answered, nothing was observed of what the step is about. */
const isSilent = (answers: readonly SentAnswer[]): boolean => answers.every(({ servedBy }) => servedBy === '');

interface Sent {
  readonly answers: readonly SentAnswer[];
  /** False when something was changed: it says nothing about the prediction. */
  readonly own: boolean;
}

const Answers = ({ step, sent, rounds }: { step: LabStep; sent: Sent | undefined; rounds: readonly Round[] }) => {
  const last = rounds.at(-1);
  if (sent === undefined && last === undefined) return <p class="small muted">Nothing sent yet.</p>;
  const [only] = sent?.answers ?? [];
  if (step.stage.kind === 'hops' && sent === undefined)
    return <p class="small muted">You sent this before. Send it again to see its way.</p>;
  return (
    <div class="stack">
      {sent === undefined ? <p class="small muted">Your last round:</p> : null}
      {step.stage.kind === 'hops' && only !== undefined && sent?.answers.length === 1 ? (
        <OwnHops answer={only} />
      ) : (
        <Tally round={sent === undefined ? (last ?? {}) : countRound(sent.answers)} />
      )}
      {(sent?.answers.length ?? 0) > 1 ? <AnswerSquares answers={sent?.answers ?? []} /> : null}
      {sent !== undefined && isSilent(sent.answers) ? (
        <p class="notice bad small">No workload answered, so this shows nothing yet. The request’s own story says what stood in its way.</p>
      ) : null}
      {sent?.own === false ? (
        <p class="notice small">That was not what the question asks about, so it is not held against your guess.</p>
      ) : null}
    </div>
  );
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

  const onAnswers = async (answers: readonly SentAnswer[], order: LabSend) => {
    const own = isStepsOwn(step, order) && (await ask()).length === 0;
    setSent({ answers, own });
    if (!own || isSilent(answers)) return;
    reach(lab, step, { rounds: [...rounds, countRound(answers)] });
    if (!isRevealed(reached)) onReveal();
  };

  return (
    <section class="card part">
      <h2>Observe</h2>
      {locked === '' ? <Amiss causes={causes} /> : null}
      <SendPanel step={step} locked={locked} onAnswers={onAnswers} />
      <Answers step={step} sent={sent} rounds={rounds} />
      {isRevealed(reached) ? <ChancePicture step={step} rounds={rounds} predicted={reached?.predicted} /> : null}
    </section>
  );
};
