"""The keys that choose what is explained: class, method, parameters, layer, filter."""

from __future__ import annotations

from fer_tui.contract import plain
from fer_tui.tui.form import Form
from fer_tui.tui.keys import Command
from fer_tui.tui.widgets.parameter_form import ParameterForm
from fer_tui.tui.widgets.side import Methods, ScoreBars

from .base import DeskScreen
from .layers import LayerPicker
from .method_picker import MethodPicker
from .popups import Choice


class Choosing(DeskScreen):
    """A screen with an explanation of one image."""

    def aimed(self) -> None:
        """Something else is to be explained: ask for it and draw."""
        raise NotImplementedError

    # ---- class -------------------------------------------------------------------------------------------------------

    def aim_at_class(self, steps: int) -> None:
        """Explain a neighbouring class."""
        if self.desk.browser is not None:
            self.desk.browser.step_target(steps)
            self.aimed()

    def do_left(self, command: Command) -> None:
        self.aim_at_class(-command.times)

    def do_right(self, command: Command) -> None:
        self.aim_at_class(command.times)

    def do_swap_target(self, command: Command) -> None:
        browser = self.desk.browser
        if browser is None:
            return
        browser.swap_target()
        self.aimed()
        unlabelled = browser.target == "true" and browser.label < 0
        self.say("this image has no true class" if unlabelled else f"explained: the {browser.target} class")

    def do_pick_class(self, command: Command) -> None:
        browser = self.desk.browser
        if browser is None:
            return
        if command.count is None:
            self.app.push_screen(
                Choice("explain the class", browser.classes, browser.target_class, first=0), self._choose_class
            )
        elif command.count < len(browser.classes):
            self._choose_class(command.count)
        else:
            self.say(f"classes are 0 to {len(browser.classes) - 1}")

    def _choose_class(self, number: int | None) -> None:
        if number is not None and self.desk.browser is not None:
            self.desk.browser.target = number
            self.aimed()

    def on_score_bars_chosen(self, message: ScoreBars.Chosen) -> None:
        self._choose_class(message.number)

    # ---- method and parameters ---------------------------------------------------------------------------------------

    def do_method(self, command: Command) -> None:
        known = self.desk.project.methods_for(dataset=False)
        if command.count is not None:
            self._choose_method(command.count - 1)
        elif known and self.desk.choice.method is not None:
            self._choose_method((known.index(self.desk.choice.method) + 1) % len(known))

    def do_pick_method(self, command: Command) -> None:
        if self.desk.project.methods_for(dataset=False):
            self.app.push_screen(MethodPicker(self.desk), self._choose_named)

    def _choose_named(self, number: int | None) -> None:
        """A method, or one of the aliases listed after them."""
        beyond = number - len(self.desk.project.methods_for(dataset=False)) if number is not None else -1
        if beyond < 0:
            self._choose_method(number)
        else:
            self.desk.choice.choose_alias(*self.desk.project.aliases[beyond])
            self.aimed()

    def _choose_method(self, number: int | None) -> None:
        if number is None:
            return
        if self.desk.choice.choose_method(number):
            self.aimed()
        else:
            self.say(f"there is no method {number + 1}")

    def on_methods_chosen(self, message: Methods.Chosen) -> None:
        self._choose_method(message.number)

    def do_parameters(self, command: Command) -> None:
        method = self.desk.choice.method
        if method is None or not method.parameters or self.query(ParameterForm):
            return
        form = ParameterForm(self.desk.choice, Form(method), self.aimed, self.close_form)
        self.add_class("-form")
        self.query_one("#body").mount(form)
        self.call_later(self.set_focus, form)

    def close_form(self) -> None:
        """Take the form of parameters away."""
        self.set_focus(None)
        self.query(ParameterForm).remove()
        self.remove_class("-form")

    # ---- layer and filter --------------------------------------------------------------------------------------------

    def do_layer_next(self, command: Command) -> None:
        self._move_layer(command.times)

    def do_layer_previous(self, command: Command) -> None:
        self._move_layer(-command.times)

    def _move_layer(self, steps: int) -> None:
        if self.desk.choice.move_layer(steps):
            self.aimed()
        else:
            self._say_no("layer")

    def do_pick_layer(self, command: Command) -> None:
        classifier, choice = self.desk.project.classifier, self.desk.choice
        if classifier is None:
            return
        method = plain(choice.method.title) if choice.method is not None else "the method"
        why = "" if choice.layers else f"{method} does not hang on a layer"
        names = [each.name for each in choice.layers]
        self.app.push_screen(LayerPicker(classifier.modules, names, choice.layer, why), self._choose_layer)

    def _choose_layer(self, name: str | None) -> None:
        names = [each.name for each in self.desk.choice.layers]
        if name in names:
            self.desk.choice.choose_layer(names.index(name))
            self.aimed()

    def do_filter_next(self, command: Command) -> None:
        self._move_filter(command.times)

    def do_filter_previous(self, command: Command) -> None:
        self._move_filter(-command.times)

    def _move_filter(self, steps: int) -> None:
        if self.desk.choice.move_filter(steps):
            self.aimed()
        else:
            self._say_no("filter")

    def _say_no(self, axis: str) -> None:
        method = self.desk.choice.method
        self.say(f"{plain(method.title) if method is not None else 'the method'} does not hang on a {axis}")
