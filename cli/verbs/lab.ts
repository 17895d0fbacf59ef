/** `dinghy lab`: the labs from the terminal, on the mesh that runs; the same steps, checks and progress as on its page. */
import type { Command } from 'commander';
import {
  countRound,
  doneSteps,
  isRevealed,
  isTelling,
  LABS,
  type Lab,
  type LabStep,
  outcomeWords,
  type Progress,
  roundOf,
  type StepProgress,
  type WireStory,
} from '#labs';
import { chooseLab, chooseStep } from '../lab-place.ts';
import {
  type HeldView,
  type LabSite,
  type OutliersView,
  openLabSite,
  reachedIn,
  type SentAnswer,
  type ToldCall,
  type ToldVerdict,
  type TriedCall,
} from '../lab-site.ts';
import { fileOf, nextWords, plain, roundWords, stepWords, textOf, verdictWords, wayWords } from '../lab-words.ts';
import { type OutputOption, outputOption, show, table } from '../output.ts';
import { heldWords, outlierWords, triesWords } from '../resilience-words.ts';
import { type MeshOption, runningMesh } from '../running-mesh.ts';
import { outsiderWords, storyWords } from '../wire-words.ts';
import { treeOf } from './why.ts';

interface LabOptions extends MeshOption, OutputOption {
  readonly step?: string;
}

/** A lab, its step, and where the learner stands. */
interface Stand {
  readonly site: LabSite;
  readonly lab: Lab;
  readonly step: LabStep;
  readonly reached: StepProgress | undefined;
  readonly progress: Progress;
}

/** Registers the verb. */
export const addLab = (program: Command): void => {
  const group = program.command('lab').description('the labs from the terminal: list, start, predict, observe, check, hint, reset');
  const verb = (name: string, description: string): Command =>
    group.command(name).description(description).option('--mesh <name>', 'which mesh').addOption(outputOption('json'));
  const onLab = (name: string, description: string): Command =>
    verb(name, description).argument('[lab]', 'number or name; the first that is not done when absent');
  const step = ['--step <step>', 'number or name; the first that is not done when absent'] as const;

  verb('list', 'the labs, and how far you are').action(list);
  onLab('start', 'what to do in a step, and its question')
    .option(...step)
    .action(start);
  verb('predict', 'answer the question of a step')
    .argument('<lab>', 'number or name')
    .argument('<answer>', 'number of the option, or the count')
    .option(...step)
    .action(predict);
  onLab('observe', 'send the requests of a step, and see what came back and why')
    .option(...step)
    .action(observe);
  onLab('check', 'prove the lab on your mesh, or only up to a step')
    .option('--step <step>', 'number or name; the last when absent')
    .action(check);
  onLab('hint', 'the next of three hints')
    .option(...step)
    .action(hint);
  onLab('reset', 'put the mesh back as it was at its start, and forget this lab').action(reset);
};

const stand = async (word: string | undefined, options: LabOptions): Promise<Stand> => {
  const site = await openLabSite(runningMesh(options));
  const progress = await site.progress();
  const lab = chooseLab(LABS, word, progress);
  const step = chooseStep(lab, options.step, progress);
  return { site, lab, step, progress, reached: reachedIn(progress, lab, step) };
};

const list = async (options: LabOptions): Promise<void> => {
  const progress = await (await openLabSite(runningMesh(options))).progress();
  const labs = LABS.map((lab) => ({
    number: lab.number,
    id: lab.id,
    title: lab.title,
    minutes: lab.minutes,
    steps: lab.steps.map(({ id }) => id),
    done: doneSteps(lab, progress).map(({ id }) => id),
    claims: lab.steps.flatMap(({ claims }) => claims),
  }));
  await show(options, labs, () =>
    table(
      ['LAB', 'NAME', 'DONE', 'MINUTES', 'PROVED BY', 'TITLE'],
      labs.map((lab) => [
        String(lab.number),
        lab.id,
        `${lab.done.length}/${lab.steps.length}`,
        String(lab.minutes),
        lab.claims.join(','),
        lab.title,
      ]),
    ),
  );
};

const start = async (word: string | undefined, options: LabOptions): Promise<void> => {
  const { lab, step, reached } = await stand(word, options);
  const { do: text, why } = textOf(lab, step).step;
  const told = {
    lab: lab.id,
    step: step.id,
    title: step.title,
    do: text,
    question: step.predict.question,
    file: fileOf(lab, step),
    reached,
  };
  await show(options, isRevealed(reached) ? { ...told, why } : told, () => stepWords(lab, step, reached));
};

const answerOf = ({ predict }: LabStep, text: string): number => {
  const [least, most] = predict.kind === 'count' ? [0, predict.max] : [1, predict.options.length];
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < least || number > most)
    throw new Error(`${text} is no answer; give a number from ${least} to ${most}`);
  return predict.kind === 'count' ? number : number - 1;
};

const predict = async (word: string, answer: string, options: LabOptions): Promise<void> => {
  const { site, lab, step, reached } = await stand(word, options);
  if (reached?.predicted !== undefined)
    throw new Error(`step ${step.id} has its answer already; "dinghy lab reset ${lab.number}" starts the lab anew`);
  const fresh = { predicted: answerOf(step, answer) };
  await site.reach(lab, step, fresh);
  await show(options, { lab: lab.id, step: step.id, ...fresh }, () => nextWords(lab, step, fresh));
};

interface Seen {
  readonly answers: readonly SentAnswer[];
  readonly story?: WireStory | undefined;
  readonly tries?: readonly TriedCall[];
  readonly held?: HeldView;
}

const UNDER_WAY: SentAnswer = { status: 0, durationMs: 0, error: '', requestId: '', servedBy: 'held' };

/** Nothing stays open when the command ends. */
const holdFor = async (site: LabSite, { send, stage }: LabStep): Promise<Seen> => {
  await site.clearHeld();
  try {
    if (stage.kind === 'held' && stage.before !== undefined) await site.hold(stage.before);
    const all = await site.hold(send);
    const held = stage.kind === 'held' && stage.release !== undefined ? await site.release(stage.release) : all;
    return { answers: all.requests.slice(-send.count).map(({ answer }) => answer ?? UNDER_WAY), held };
  } finally {
    await site.clearHeld();
  }
};

const sendFor = async (site: LabSite, step: LabStep): Promise<Seen> => {
  const { send, stage } = step;
  if (stage.kind === 'wire') return site.sendOnWire(send);
  if (stage.kind === 'held') return holdFor(site, step);
  const answers = await site.send(send);
  if (stage.kind !== 'tries') return { answers };
  return { answers, tries: await site.ways(answers.map(({ requestId }) => requestId).filter((id) => id !== '')) };
};

/** What is asked afterwards, for the stages that want it. */
interface Asked {
  readonly way: readonly ToldCall[];
  readonly verdicts: readonly ToldVerdict[];
  readonly outliers?: OutliersView;
}

/** Refusals only where there are some. */
const verdictsOf = async (site: LabSite, requestId: string): Promise<readonly ToldVerdict[]> => {
  const all = await site.why(requestId);
  const refusals = all.filter(({ story }) => story.verdict !== 'allowed');
  return refusals.length > 0 ? refusals : all.slice(0, 1);
};

const askAfterwards = async (site: LabSite, { stage }: LabStep, answers: readonly SentAnswer[]): Promise<Asked> => {
  const [first, last] = [answers[0], answers.at(-1)];
  return {
    ...(stage.kind === 'ejections' && { outliers: await site.outliers(stage.from, stage.service) }),
    way: stage.kind === 'hops' && first !== undefined ? await site.way(first.requestId) : [],
    verdicts: stage.kind === 'verdict' && last !== undefined && last.requestId !== '' ? await verdictsOf(site, last.requestId) : [],
  };
};

/** What the stage of the step makes of it. */
const seenWords = (step: LabStep, { answers, story, way, verdicts, tries, held, outliers }: Seen & Asked): string => {
  const [first] = answers;
  if (tries !== undefined) return triesWords(tries, first?.requestId ?? '');
  if (held !== undefined) return heldWords(held);
  if (outliers !== undefined) return [roundWords(countRound(answers)), '', outlierWords(outliers)].join('\n');
  if (story !== undefined) return storyWords(step, story);
  if (way.length > 0) return wayWords(way);
  if (verdicts.length > 0) return [roundWords(countRound(answers)), '', ...verdicts.map(treeOf)].join('\n');
  return step.stage.kind === 'outsider' && first !== undefined ? outsiderWords(first) : roundWords(countRound(answers));
};

const observe = async (word: string | undefined, options: LabOptions): Promise<void> => {
  const { site, lab, step, reached } = await stand(word, options);
  if (reached?.predicted === undefined) throw new Error(`answer first: dinghy lab predict ${lab.number} ANSWER --step ${step.id}`);
  const causes = await site.causes(lab, step);
  if (causes.length > 0) throw new Error(`your mesh is not as this step wants it:\n${causes.map((cause) => `- ${cause}`).join('\n')}`);
  const seen = await sendFor(site, step);
  const { answers } = seen;
  const [first] = answers;
  if (!isTelling(step, answers))
    throw new Error(
      `nothing of what this step is about was seen: ${first?.servedBy || first?.error || `status ${first?.status}`}; try again`,
    );
  const fresh = { ...reached, applied: true, rounds: [...(reached.rounds ?? []), roundOf(step, answers, seen.tries)] };
  await site.reach(lab, step, fresh);
  const { why } = textOf(lab, step).step;
  const asked = await askAfterwards(site, step, answers);
  const outcome = outcomeWords(step, fresh);
  await show(options, { lab: lab.id, step: step.id, round: fresh.rounds.at(-1), outcome, ...asked, ...seen }, () =>
    [seenWords(step, { ...seen, ...asked }), '', outcome, '', plain(why), '', nextWords(lab, step, fresh)].join('\n'),
  );
};

const check = async (word: string | undefined, options: LabOptions): Promise<void> => {
  const { site, lab, progress } = await stand(word, options.mesh === undefined ? {} : { mesh: options.mesh });
  const step = chooseStep(lab, options.step ?? lab.steps.at(-1)?.id, progress);
  const verdict = await site.check(lab, step);
  await show(options, { lab: lab.id, step: step.id, ...verdict }, () =>
    verdict.verdicts.length === 0
      ? `Up to step ${step.id} lab ${lab.number} claims nothing: "dinghy lab check ${lab.number}" proves the whole.`
      : verdictWords(verdict),
  );
  if (!verdict.passed) process.exitCode = 1;
};

const hint = async (word: string | undefined, options: LabOptions): Promise<void> => {
  const { site, lab, step, reached } = await stand(word, options);
  const { hints } = textOf(lab, step).step;
  const used = Math.min(hints.length, (reached?.hints ?? 0) + 1);
  await site.reach(lab, step, { hints: used });
  await show(options, { lab: lab.id, step: step.id, hints: hints.slice(0, used), of: hints.length }, () =>
    hints
      .slice(0, used)
      .map((text, index) => `Hint ${index + 1} of ${hints.length}: ${plain(text)}`)
      .join('\n'),
  );
};

const reset = async (word: string | undefined, options: LabOptions): Promise<void> => {
  const { site, lab } = await stand(word, options);
  const startedAt = performance.now();
  const { touched } = await site.reset(lab);
  const ms = Math.round(performance.now() - startedAt);
  await show(
    options,
    { lab: lab.id, touched, ms },
    () =>
      `The mesh is as it was at its start (${touched} resource${touched === 1 ? '' : 's'}, ${ms} ms), and lab ${lab.number} begins anew.`,
  );
};
