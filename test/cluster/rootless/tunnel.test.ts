import { expect, test } from 'vitest'
import { frame, parseDestination, unframe } from '../../../src/cluster/rootless/tunnel.ts'

test('datagrams arrive whole, wherever the stream is cut', () => {
  const sent = ['one', '', 'x'.repeat(65_535), 'four']
  const stream = Buffer.concat(sent.map((each) => frame(Buffer.from(each))))
  for (const step of [1, 2, 3, 1000, stream.length]) {
    const heard: string[] = []
    const take = unframe((datagram) => { heard.push(datagram.toString()) })
    for (let at = 0; at < stream.length; at += step) take(stream.subarray(at, at + step))
    expect(heard).toEqual(sent)
  }
})

test.each([['TCP 172.20.0.1 80', { protocol: 'TCP', host: '172.20.0.1', port: 80 }], ['UDP 10.0.0.1 53', { protocol: 'UDP', host: '10.0.0.1', port: 53 }], ['SCTP 10.0.0.1 53', undefined], ['TCP  80', undefined], ['TCP a x', undefined], ['', undefined]])('the line %j', (line, destination) => {
  expect(parseDestination(line)).toEqual(destination)
})
