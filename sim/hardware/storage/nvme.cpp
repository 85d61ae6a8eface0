// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/storage/nvme.h"

#include <algorithm>

#include "sim/core/check.h"
#include "sim/hardware/sources.h"

namespace orrery {

void NvmeDirection::describe(Describer& d) {
  d.required().field("latency", latency, Range::not_negative(),
                     "Of a command alone, without its data's way.");
  d.required().field("rate", rate, Range::positive(), "Of large commands together.");
  d.required().field("command", command, Range::not_negative(),
                     "Between small commands, many of them under way: 1 / IOPS.");
}

void NvmeOptions::describe(Describer& d) {
  d.required().field("name", name, "The drive's name.");
  d.required().object_of("read", read, "From the drive.");
  d.required().object_of("write", write, "To the drive.");
  d.required().field("queue_depth", queue_depth, Range::between(1, 65536),
                     "Commands under way at most.");
  d.required().field("max_transfer", max_transfer, Range::at_least(512),
                     "What one command moves at most.");
  describe_sources(d, sources);
}

Nvme::Nvme(const NvmeOptions& options) : options_(options) {
  ORRERY_CHECK(options.queue_depth > 0 && options.max_transfer.count() > 0);
}

Ticket Nvme::submit(const Transfer& transfer, Instant now) {
  ORRERY_CHECK(transfer.bytes.count() > 0 && transfer.from != transfer.to);
  const auto ticket = static_cast<Ticket>(tickets_++);
  waiting_.push_back({ticket, transfer.from == kDrive, transfer.bytes});
  unfinished_.emplace(ticket, transfer.bytes);
  issue(now);
  return ticket;
}

Instant Nvme::next() const { return events_.empty() ? Instant::never() : events_.top().at; }

void Nvme::advance(Instant now, std::vector<Ticket>& done) {
  while (next() <= now) {
    const Event event = events_.top();
    events_.pop();
    if (event.kind == Kind::kMediumDone) {
      const NvmeDirection& way = direction(event.reads);
      controller_idle_at_ = std::max(controller_idle_at_, event.at) +
                            std::max(way.command, way.rate.time_for(event.bytes));
      schedule(controller_idle_at_, Kind::kMoved, event.ticket, event.reads, event.bytes);
      continue;
    }
    --under_way_;
    Bytes& left = unfinished_.at(event.ticket);
    left -= event.bytes;
    if (left.count() == 0) {
      done.push_back(event.ticket);
      unfinished_.erase(event.ticket);
    }
    issue(event.at);
  }
}

void Nvme::issue(Instant now) {
  while (!waiting_.empty() && under_way_ < options_.queue_depth) {
    Waiting& first = waiting_.front();
    const Bytes bytes = std::min(first.left, options_.max_transfer);
    ++under_way_;
    schedule(now + direction(first.reads).latency, Kind::kMediumDone, first.ticket, first.reads,
             bytes);
    first.left -= bytes;
    if (first.left.count() == 0) waiting_.pop_front();
  }
}

void Nvme::schedule(Instant at, Kind kind, Ticket ticket, bool reads, Bytes bytes) {
  events_.push({at, order_++, kind, ticket, reads, bytes});
}

}  // namespace orrery
