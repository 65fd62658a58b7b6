const PHASES: Record<string, string> = { new: 'ring', active: 'half', waiting: 'diamond', done: 'ok', void: 'void' }

/** The drawing beside a phase's word. */
export const phaseGlyph = (phase: string): string => PHASES[phase] || 'ring'
