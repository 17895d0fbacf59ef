/** The question before the button: what will happen? An answer, once given, stays. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { LabStep } from '#labs';

interface Asked {
  readonly step: LabStep;
  /** What was answered; undefined while it is open. */
  readonly value: number | undefined;
  readonly onAnswer: (value: number) => void;
}

const Guess = ({
  draft,
  onAnswer,
  children,
}: {
  draft: number | undefined;
  onAnswer: (value: number) => void;
  children: ComponentChildren;
}) => (
  <form
    class="predict"
    onSubmit={(event) => {
      event.preventDefault();
      if (draft !== undefined) onAnswer(draft);
    }}
  >
    {children}
  </form>
);

const Commit = ({ ready }: { ready: boolean }) => (
  <button class="button primary" type="submit" disabled={!ready}>
    That is my guess
  </button>
);

/** Choosing is not answering: with the arrow keys one passes through every option. */
const Choice = ({ step, value, onAnswer }: Asked) => {
  const [draft, setDraft] = useState<number | undefined>(undefined);
  if (step.predict.kind !== 'choice') return null;
  const locked = value !== undefined;
  return (
    <Guess draft={draft} onAnswer={onAnswer}>
      <fieldset class="options" disabled={locked}>
        <legend>{step.predict.question}</legend>
        {step.predict.options.map((option, index) => (
          <label key={option} class={`option${(value ?? draft) === index ? ' picked' : ''}`}>
            <input type="radio" name={`predict-${step.id}`} checked={(value ?? draft) === index} onChange={() => setDraft(index)} />
            {option}
          </label>
        ))}
      </fieldset>
      {locked ? null : (
        <div class="row">
          <Commit ready={draft !== undefined} />
        </div>
      )}
    </Guess>
  );
};

const Count = ({ step, value, onAnswer }: Asked) => {
  const [text, setText] = useState('');
  if (step.predict.kind !== 'count') return null;
  const { question, max } = step.predict;
  const locked = value !== undefined;
  const fits = /^\d{1,5}$/.test(text.trim()) && Number(text) <= max;
  const id = `predict-${step.id}`;
  return (
    <Guess draft={fits ? Number(text) : undefined} onAnswer={onAnswer}>
      <label for={id}>{question}</label>
      <div class="row">
        <input
          id={id}
          class="field count"
          type="text"
          inputMode="numeric"
          autoComplete="off"
          disabled={locked}
          aria-describedby={`${id}-limits`}
          value={locked ? String(value) : text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="small muted" id={`${id}-limits`}>
          {locked ? `of ${max}: your guess` : `0 to ${max}`}
        </span>
        {locked ? null : <Commit ready={fits} />}
      </div>
    </Guess>
  );
};

/** Question and answer of one step. */
export const Predict = (asked: Asked) => (asked.step.predict.kind === 'choice' ? <Choice {...asked} /> : <Count {...asked} />);
