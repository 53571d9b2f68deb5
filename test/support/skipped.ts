/** Nothing is left out in silence: what is skipped on this machine is said aloud, with what it would take. */
export const sayWhatIsSkipped = (what: string, isSkipped: boolean = process.getuid?.() !== 0, why = 'clusters of real processes need root'): void => {
  if (isSkipped) console.log(`SKIPPED ${what}: ${why}`)
}
