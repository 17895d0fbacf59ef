/** MT19937, so that draws by a request's hash are those of an Envoy. Source: Matsumoto and Nishimura, "Mersenne Twister", 1998; `std::mt19937`. */

const LENGTH = 624;
const MIDDLE = 397;

/** Numbers of 32 bits, the same for the same seed; seed: 32 bits. */
export const twister = (seed: number): (() => number) => {
  const state = new Uint32Array(LENGTH);
  state[0] = seed;
  for (let i = 1; i < LENGTH; i++) {
    const before = state[i - 1] as number;
    state[i] = Math.imul(1_812_433_253, before ^ (before >>> 30)) + i;
  }
  const turn = (): void => {
    for (let i = 0; i < LENGTH; i++) {
      const joined = ((state[i] as number) & 0x8000_0000) | ((state[(i + 1) % LENGTH] as number) & 0x7fff_ffff);
      state[i] = (state[(i + MIDDLE) % LENGTH] as number) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908_b0df : 0);
    }
  };
  let place = LENGTH;
  return () => {
    if (place === LENGTH) {
      turn();
      place = 0;
    }
    let number = state[place++] as number;
    number ^= number >>> 11;
    number ^= (number << 7) & 0x9d2c_5680;
    number ^= (number << 15) & 0xefc6_0000;
    return (number ^ (number >>> 18)) >>> 0;
  };
};
