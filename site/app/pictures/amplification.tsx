/** By how much each layer multiplied the learner's own requests: measured, as bars and as words. */
import { type Amplification, factorWords } from './comb.ts';

/** asked: how many requests the learner sent. */
export const AmplificationPicture = ({ asked, edges }: { asked: number; edges: readonly Amplification[] }) => {
  const most = Math.max(asked, 1, ...edges.map(({ tries }) => tries));
  return (
    <table class="amplification">
      <caption class="small muted">
        What became of {asked === 1 ? 'your one request' : `your ${asked.toLocaleString('en')} requests`}, layer by layer
      </caption>
      <thead class="hidden-text">
        <tr>
          <th scope="col">layer</th>
          <th scope="col">requests that reached it, as a bar</th>
          <th scope="col">calls and tries</th>
          <th scope="col">factor</th>
        </tr>
      </thead>
      <tbody>
        {edges.map(({ from, to, calls, tries }) => (
          <tr key={`${from} ${to}`}>
            <th scope="row">
              {from} → {to}
            </th>
            <td class="tally-bar">
              <span class="tally-fill" style={{ width: `${(tries / most) * 100}%` }} />
            </td>
            <td class="small">
              {calls.toLocaleString('en')} {calls === 1 ? 'call' : 'calls'} became <b>{tries.toLocaleString('en')}</b>{' '}
              {tries === 1 ? 'try' : 'tries'}
            </td>
            <td class="factor">{factorWords({ calls, tries })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};
